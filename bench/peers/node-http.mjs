// The floor for a server: node:http and nothing else.
import { createServer } from 'node:http';

createServer((_, response) => response.end('hello')).listen(Number(process.argv[2]), '127.0.0.1');
