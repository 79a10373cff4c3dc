/** A transpiler in a thread of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import { transpile } from '@bytecodealliance/jco';

const { bytes, options } = workerData as { readonly bytes: Uint8Array; readonly options: Parameters<typeof transpile>[1] };
parentPort?.postMessage((await transpile(bytes, options)).files);
