// `example:calculator` in JavaScript.
export const math = {
  add: (a, b) => (a + b) | 0,
  multiply: (a, b) => Math.imul(a, b),
};
