/* `example:calculator` in C. Unsigned numbers wrap around, signed ones must not. */
#include "generated/calculator.h"

int32_t exports_example_calculator_math_add(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }

int32_t exports_example_calculator_math_multiply(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }
