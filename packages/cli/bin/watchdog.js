// A thread that ends its process after a while. Only a signal ends a thread that does not listen.
const { writeSync } = require('node:fs');
const { workerData } = require('node:worker_threads');

setTimeout(() => {
  try {
    writeSync(2, workerData.message);
  } finally {
    process.kill(process.pid, 'SIGKILL');
  }
}, workerData.ms);
