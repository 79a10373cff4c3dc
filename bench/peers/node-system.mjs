// What the guest `rust-bench` does, in plain Node: prints the nanoseconds it took.
import { createReadStream, createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { open, opendir } from 'node:fs/promises';
import { connect } from 'node:net';
import { pipeline } from 'node:stream/promises';

const PIECE = 64 * 1024;
const [what, ...rest] = process.argv.slice(2);

const work = {
  async write(path, bytes) {
    const piece = Buffer.alloc(PIECE, 'x');
    await pipeline(
      (function* () {
        for (let n = Number(bytes) / PIECE; n > 0; n--) yield piece;
      })(),
      createWriteStream(path, { highWaterMark: PIECE }),
    );
  },
  async read(path) {
    for await (const _ of createReadStream(path, { highWaterMark: PIECE }));
  },
  async opens(path, count) {
    writeFileSync(path, 'small');
    const piece = Buffer.alloc(16);
    for (let n = Number(count); n > 0; n--) {
      const file = await open(path);
      await file.read(piece);
      await file.close();
    }
  },
  async grow(path, count) {
    const content = Buffer.alloc(2048, 'x');
    for (let n = 0; n < Number(count); n++) {
      const folder = `${path}/${Math.floor(n / 100)}`;
      if (n % 100 === 0) mkdirSync(folder, { recursive: true });
      writeFileSync(`${folder}/${n}`, content);
    }
  },
  async walk(path) {
    const folders = [path];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for await (const entry of await opendir(folder)) {
        const name = `${folder}/${entry.name}`;
        if (entry.isDirectory()) folders.push(name);
        else {
          const file = await open(name);
          await file.stat();
          await file.readFile();
          await file.close();
        }
      }
    }
  },
  async echo(port, bytes) {
    const socket = connect(Number(port), '127.0.0.1');
    let received = 0;
    const back = new Promise((resolve) => {
      socket.on('data', (chunk) => {
        received += chunk.length;
        if (received >= Number(bytes)) resolve();
      });
    });
    const piece = Buffer.alloc(PIECE, 'x');
    for (let sent = 0; sent < Number(bytes); sent += PIECE)
      if (!socket.write(piece)) await new Promise((resolve) => socket.once('drain', resolve));
    await back;
    socket.destroy();
  },
  async trips(port, count) {
    const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
    for (let n = Number(count); n > 0; n--) {
      const back = new Promise((resolve) => socket.once('data', resolve));
      socket.write('x');
      await back;
    }
    socket.destroy();
  },
};

const since = process.hrtime.bigint();
await work[what](...rest);
console.log(String(process.hrtime.bigint() - since));
