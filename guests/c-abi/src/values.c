// `example:abi/values` in C. What an export gets is its own: giving it back needs no copy.

#include "text.h"

#define NAME(name) exports_example_abi_values_##name

#define ECHO_SCALAR(name, type) \
  type NAME(echo_##name)(type value) { return value; }

#define ECHO(name, type) \
  void NAME(echo_##name)(type *value, type *ret) { *ret = *value; }

// The bindings show an option as a pointer that may be null, and whether there is a result as a boolean.
#define ECHO_OPTION(name, type) \
  bool NAME(echo_##name)(type *value, type *ret) { \
    if (value != NULL) *ret = *value; \
    return value != NULL; \
  }

ECHO_SCALAR(bool, bool)
ECHO_SCALAR(u8, uint8_t)
ECHO_SCALAR(s8, int8_t)
ECHO_SCALAR(u16, uint16_t)
ECHO_SCALAR(s16, int16_t)
ECHO_SCALAR(u32, uint32_t)
ECHO_SCALAR(s32, int32_t)
ECHO_SCALAR(u64, uint64_t)
ECHO_SCALAR(s64, int64_t)
ECHO_SCALAR(f32, float)
ECHO_SCALAR(f64, double)
ECHO_SCALAR(char, uint32_t)
ECHO_SCALAR(color, NAME(color_t))
ECHO_SCALAR(permissions, NAME(permissions_t))
ECHO_SCALAR(days, NAME(days_t))

ECHO(string, abi_string_t)
ECHO(list_bool, abi_list_bool_t)
ECHO(list_u8, abi_list_u8_t)
ECHO(list_s16, abi_list_s16_t)
ECHO(list_u32, abi_list_u32_t)
ECHO(list_s64, abi_list_s64_t)
ECHO(list_f32, abi_list_f32_t)
ECHO(list_f64, abi_list_f64_t)
ECHO(list_char, abi_list_char32_t)
ECHO(list_string, abi_list_string_t)
ECHO(list_point, NAME(list_point_t))
ECHO(list_person, NAME(list_person_t))
ECHO(list_list, abi_list_list_u8_t)
ECHO(point, NAME(point_t))
ECHO(person, NAME(person_t))
ECHO(tuple, abi_tuple3_u8_string_f64_t)
ECHO(shape, NAME(shape_t))

ECHO_OPTION(option, uint32_t)
ECHO_OPTION(option_string, abi_string_t)
ECHO_OPTION(option_option, abi_option_u8_t)

bool NAME(echo_result)(NAME(result_string_divide_error_t) *value, abi_string_t *ret, NAME(divide_error_t) *err) {
  if (value->is_err) *err = value->val.err;
  else *ret = value->val.ok;
  return !value->is_err;
}

void NAME(echo_result_none)(NAME(result_void_void_t) *value, NAME(tuple1_result_void_void_t) *ret) {
  ret->f0 = *value;
}

uint32_t NAME(add)(uint32_t a, uint32_t b) { return a + b; }

int64_t NAME(sum)(abi_list_s32_t *numbers) {
  int64_t total = 0;
  for (size_t i = 0; i < numbers->len; i++) total += numbers->ptr[i];
  abi_list_s32_free(numbers);
  return total;
}

void NAME(join)(abi_list_string_t *parts, abi_string_t *separator, abi_string_t *ret) {
  abi_string_t text = {NULL, 0};
  for (size_t i = 0; i < parts->len; i++) {
    if (i > 0) append_string(&text, separator);
    append_string(&text, &parts->ptr[i]);
  }
  abi_list_string_free(parts);
  abi_string_free(separator);
  *ret = text;
}

double NAME(area)(NAME(shape_t) *shape) {
  double area = 0;
  switch (shape->tag) {
    case EXPORTS_EXAMPLE_ABI_VALUES_SHAPE_CIRCLE:
      area = 3.14159265358979323846 * shape->val.circle * shape->val.circle;
      break;
    case EXPORTS_EXAMPLE_ABI_VALUES_SHAPE_SQUARE:
      area = (double)shape->val.square * shape->val.square;
      break;
    case EXPORTS_EXAMPLE_ABI_VALUES_SHAPE_POLYGON: {
      NAME(list_point_t) points = shape->val.polygon;
      int64_t doubled = 0;
      for (size_t i = 0; i < points.len; i++) {
        NAME(point_t) a = points.ptr[i], b = points.ptr[(i + 1) % points.len];
        doubled += (int64_t)a.x * b.y - (int64_t)b.x * a.y;
      }
      area = (double)llabs(doubled) / 2;
      break;
    }
  }
  NAME(shape_free)(shape);
  return area;
}

bool NAME(divide)(int32_t a, int32_t b, int32_t *ret, NAME(divide_error_t) *err) {
  if (b == 0) {
    *err = EXPORTS_EXAMPLE_ABI_VALUES_DIVIDE_ERROR_BY_ZERO;
    return false;
  }
  if (a == INT32_MIN && b == -1) {
    *err = EXPORTS_EXAMPLE_ABI_VALUES_DIVIDE_ERROR_OVERFLOW;
    return false;
  }
  *ret = a / b;
  return true;
}

void NAME(move_by)(NAME(point_t) *start, NAME(point_t) *by, NAME(point_t) *ret) {
  ret->x = (int32_t)((uint32_t)start->x + (uint32_t)by->x);
  ret->y = (int32_t)((uint32_t)start->y + (uint32_t)by->y);
}

void NAME(many)(
    uint8_t a, int16_t b, uint32_t c, int64_t d, float e, double f, uint32_t g, bool h, abi_string_t *i,
    abi_list_u16_t *j, NAME(point_t) *k, uint64_t *l, NAME(color_t) m, abi_string_t *ret) {
  static const char *const colors[] = {"red", "green", "blue"};
  abi_string_t text = {NULL, 0};
  append_unsigned(&text, a);
  append(&text, " ");
  append_signed(&text, b);
  append(&text, " ");
  append_unsigned(&text, c);
  append(&text, " ");
  append_signed(&text, d);
  append(&text, " ");
  append_signed(&text, (int64_t)e);
  append(&text, " ");
  append_signed(&text, (int64_t)f);
  append(&text, " ");
  append_unsigned(&text, g);
  append(&text, h ? " true " : " false ");
  append_string(&text, i);
  append(&text, " ");
  for (size_t n = 0; n < j->len; n++) {
    if (n > 0) append(&text, "+");
    append_unsigned(&text, j->ptr[n]);
  }
  append(&text, " ");
  append_signed(&text, k->x);
  append(&text, ",");
  append_signed(&text, k->y);
  append(&text, " ");
  if (l == NULL) append(&text, "none");
  else append_unsigned(&text, *l);
  append(&text, " ");
  append(&text, colors[m]);
  abi_string_free(i);
  abi_list_u16_free(j);
  *ret = text;
}

void NAME(fail)(abi_string_t *message) {
  (void)message;
  __builtin_trap();
}
