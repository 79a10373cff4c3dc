// A thread that ends its process after a while. Only a signal ends a thread that does not listen.
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

setTimeout(() => {
  try {
    writeSync(2, workerData.message);
  } finally {
    process.kill(process.pid, 'SIGKILL');
  }
}, workerData.ms);
