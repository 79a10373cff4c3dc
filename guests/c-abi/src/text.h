// Makes strings without stdio, which would import files from the host.

#ifndef TEXT_H
#define TEXT_H

#include <stdlib.h>
#include <string.h>

#include "../generated/abi.h"

static inline void *allocate(size_t size) {
  void *memory = malloc(size > 0 ? size : 1);
  if (memory == NULL) __builtin_trap();
  return memory;
}

static inline void append_bytes(abi_string_t *text, const void *bytes, size_t length) {
  text->ptr = realloc(text->ptr, text->len + length + 1);
  if (text->ptr == NULL) __builtin_trap();
  memcpy(text->ptr + text->len, bytes, length);
  text->len += length;
}

static inline void append(abi_string_t *text, const char *more) { append_bytes(text, more, strlen(more)); }

static inline void append_string(abi_string_t *text, const abi_string_t *more) { append_bytes(text, more->ptr, more->len); }

static inline void append_unsigned(abi_string_t *text, uint64_t value) {
  char digits[20];
  size_t at = sizeof(digits);
  do digits[--at] = (char)('0' + value % 10);
  while ((value /= 10) > 0);
  append_bytes(text, digits + at, sizeof(digits) - at);
}

static inline void append_signed(abi_string_t *text, int64_t value) {
  if (value < 0) append(text, "-");
  append_unsigned(text, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

#endif
