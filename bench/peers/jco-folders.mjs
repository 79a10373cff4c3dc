// `jco run` opens no folders to a guest unless a module does so that it imports first: this one, which opens all. It must be the shim that
// jco itself loads, of which there may be another version beside.
import { createRequire } from 'node:module';

const { resolve } = createRequire(import.meta.resolve('@bytecodealliance/jco'));
const { _addPreopen } = await import(resolve('@bytecodealliance/preview2-shim/filesystem'));
_addPreopen('/', '/');
