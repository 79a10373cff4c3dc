/* `example:consumer` in C. */
#include "generated/consumer.h"

int32_t exports_example_consumer_demo_poly(int32_t x, int32_t y) {
  return example_calculator_math_add(example_calculator_math_multiply(x, x), y);
}
