#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Strict scanning of JSON text (RFC 8259) and of decimal numbers.
//
// Every text ends with a byte that stops a scanner by itself, so that only strings need a check of the end: `last` points
// to that byte, which is either NUL (nowhere allowed in JSON) or the text's own final '}'. A scanner that has taken the
// final '}' for a nested object gives last + 1; the caller must compare before it reads on.

// Containers that may be open at once, the outermost included.
#define JSON_DEPTH 512

// A decimal number: digits x 10^exponent.
typedef struct decimal {
  uint64_t digits;  // the first 19 significant digits
  int64_t exponent;
  const char *start;
  const char *end;
  bool negative;
  bool inexact;  // digits beyond the first 19 that are not all zero
} decimal;

// Past the white space at p.
static inline const char *json_space(const char *p) {
  while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t') p++;
  return p;
}

// The closing quote of the string whose text begins at p; NULL if the string is not valid. Its bytes are UTF-8 already.
const char *json_string(const char *p, const char *last, bool *has_escapes);

// Writes what the text of a valid string stands for, at most as many bytes as it has; gives the end.
char *json_unescape(const char *p, const char *end, char *out);

// Past the value at p, which stands inside `depth` containers; NULL if it is not valid. NaN and the infinities are
// taken as values, because many writers emit them.
const char *json_skip(const char *p, const char *last, unsigned depth);

// Past the number at p in JSON's grammar; NULL if there is none.
const char *json_number(const char *p, decimal *number);

// Whether the text up to `end` (a byte that is no part of a number) is a number. White space around it, a plus sign,
// leading zeros and a point without digits on one side are allowed.
bool decimal_from_text(const char *p, const char *end, decimal *number);

// The whole number, if it is one that 64 bits hold.
bool decimal_to_int64(const decimal *number, int64_t *value);

// The nearest double, ties to even; false if it is infinite, or if memory is exhausted. `locale` is the C locale.
bool decimal_to_double(const decimal *number, void *locale, double *value);
