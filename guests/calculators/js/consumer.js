// `example:consumer` in JavaScript.
import { add, multiply } from 'example:calculator/math';

export const demo = {
  poly: (x, y) => add(multiply(x, x), y),
};
