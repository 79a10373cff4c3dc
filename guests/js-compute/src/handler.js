/** `example:compute` in JavaScript. */

function numbers(count) {
  let state = 0x9e3779b9 | 0;
  return Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  });
}

function repeat(times, once) {
  let sum = 0;
  for (let i = 0; i < times; i++) sum += once();
  return BigInt(Math.trunc(sum));
}

function fib(n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

export const work = {
  hash(times) {
    const words = numbers(512);
    return repeat(times, () => words.reduce((sum, word) => Math.imul(sum ^ word, 0x01000193) >>> 0, 0x811c9dc5));
  },
  sort(times) {
    const unsorted = numbers(500);
    return repeat(times, () => [...unsorted].sort((a, b) => a - b)[250]);
  },
  matrix(times) {
    const side = 12;
    const a = numbers(side * side);
    return repeat(times, () => {
      let last = 0;
      for (let row = 0; row < side; row++)
        for (let column = 0; column < side; column++) {
          let sum = 0;
          for (let i = 0; i < side; i++) sum += a[row * side + i] * a[i * side + column];
          last = sum;
        }
      return last % 1e9;
    });
  },
  interpret(times) {
    return repeat(times, () => {
      const names = new Map();
      for (let i = 0; i < 200; i++) names.set(`n${i % 50}`, (names.get(`n${i % 50}`) ?? 0) + i);
      return JSON.stringify([...names]).length;
    });
  },
  scan(times) {
    const bytes = Uint8Array.from(numbers(2048));
    return repeat(times, () => {
      let found = 0;
      for (const byte of bytes) if (byte === 42) found++;
      return found;
    });
  },
  fibonacci(times) {
    return repeat(times, () => fib(12));
  },
};
