/**
 * Parts of Node that most guests never use. They are loaded when a guest first needs them: together they take longer to load than a small
 * program to run.
 */
export const builtins = {
  get crypto(): typeof import('node:crypto') {
    return process.getBuiltinModule('node:crypto');
  },
  get dgram(): typeof import('node:dgram') {
    return process.getBuiltinModule('node:dgram');
  },
  get dns(): typeof import('node:dns') {
    return process.getBuiltinModule('node:dns');
  },
  get http(): typeof import('node:http') {
    return process.getBuiltinModule('node:http');
  },
  get http2(): typeof import('node:http2') {
    return process.getBuiltinModule('node:http2');
  },
  get https(): typeof import('node:https') {
    return process.getBuiltinModule('node:https');
  },
  get net(): typeof import('node:net') {
    return process.getBuiltinModule('node:net');
  },
  get tls(): typeof import('node:tls') {
    return process.getBuiltinModule('node:tls');
  },
  get tty(): typeof import('node:tty') {
    return process.getBuiltinModule('node:tty');
  },
};
