// A plugin that does what a host must bear: what it does depends on the number that it is asked for.
import { write } from 'notes:plugin/log@1.0.0';
import { get } from 'notes:plugin/notebook@1.0.0';

class Session {
  add() {}
  render() {
    // Its type has no error case, so this is a trap.
    throw new TypeError('a fault of the plugin');
  }
}

const WAYS = [
  () => 'well-behaved',
  () => {
    for (;;);
  },
  () => {
    const kept = [];
    for (;;) kept.push(new Uint8Array(1 << 20).fill(1));
  },
  () => {
    throw new Error('an error that its type has');
  },
  () => {
    write('about to wait');
    return get(4).title;
  },
];

export const renderer = { Session, render: (id) => WAYS[id]() };
