// Decimal numbers of JSON text.
#define _GNU_SOURCE
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

#include "json_text.h"

typedef unsigned __int128 wide;

enum { most_digits = 19 };
// More than the digits that a text can have.
static const int64_t largest_exponent = (int64_t)1 << 40;

static const uint64_t powers_of_five[28] = {
    1u, 5u, 25u, 125u, 625u, 3125u, 15625u, 78125u, 390625u, 1953125u, 9765625u, 48828125u, 244140625u, 1220703125u,
    6103515625u, 30517578125u, 152587890625u, 762939453125u, 3814697265625u, 19073486328125u, 95367431640625u,
    476837158203125u, 2384185791015625u, 11920928955078125u, 59604644775390625u, 298023223876953125u,
    1490116119384765625u, 7450580596923828125u};

static const double powers_of_ten[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                         1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static inline bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }

// Takes the first significant digits of a long run again, because the quick sum overflowed.
static void recount(const char *p, const char *end, decimal *number) {
  int taken = 0;
  number->digits = 0;
  for (; p < end; p++) {
    if (*p == '.') continue;
    if (taken < most_digits) {
      number->digits = number->digits * 10 + (uint64_t)(*p - '0');
      if (number->digits) taken++;
    } else {
      number->exponent++;
      if (*p != '0') number->inexact = true;
    }
  }
}

// Past the exponent's digits at p; NULL if there are none.
static const char *scan_exponent(const char *p, int64_t *exponent) {
  bool negative = *p == '-';
  if (negative || *p == '+') p++;
  if (!is_digit(*p)) return NULL;
  int64_t value = 0;
  for (; is_digit(*p); p++) {
    if (value < largest_exponent) value = value * 10 + (*p - '0');
  }
  *exponent = negative ? -value : value;
  return p;
}

static inline __attribute__((always_inline)) const char *scan(const char *p, bool strict, decimal *number) {
  number->start = p;
  number->inexact = false;
  number->negative = *p == '-';
  if (number->negative || (!strict && *p == '+')) p++;
  const char *whole = p;
  uint64_t digits = 0;
  for (; is_digit(*p); p++) digits = digits * 10 + (uint64_t)(*p - '0');
  size_t count = (size_t)(p - whole);
  if (strict && (count == 0 || (count > 1 && *whole == '0'))) return NULL;
  int64_t exponent = 0;
  if (*p == '.') {
    const char *fraction = ++p;
    for (; is_digit(*p); p++) digits = digits * 10 + (uint64_t)(*p - '0');
    if (strict && p == fraction) return NULL;
    count += (size_t)(p - fraction);
    exponent = -(int64_t)(p - fraction);
  }
  if (count == 0) return NULL;
  number->digits = digits;
  number->exponent = exponent;
  const char *end = p;
  if (*p == 'e' || *p == 'E') {
    int64_t written;
    p = scan_exponent(p + 1, &written);
    if (!p) return NULL;
    number->exponent += written;
  }
  if (count > most_digits) recount(whole, end, number);
  number->end = p;
  return p;
}

const char *json_number(const char *p, decimal *number) { return scan(p, true, number); }

bool decimal_from_text(const char *p, const char *end, decimal *number) {
  p = scan(json_space(p), false, number);
  return p && json_space(p) == end;
}

bool decimal_to_int64(const decimal *number, int64_t *value) {
  if (number->inexact) return false;
  uint64_t digits = number->digits;
  int64_t exponent = digits ? number->exponent : 0;
  for (; exponent < 0; exponent++) {
    if (digits % 10) return false;
    digits /= 10;
  }
  for (; exponent > 0; exponent--) {
    if (__builtin_mul_overflow(digits, 10u, &digits)) return false;
  }
  if (digits > (uint64_t)INT64_MAX + number->negative) return false;
  *value = number->negative ? (int64_t)(0 - digits) : (int64_t)digits;
  return true;
}

// The double nearest to (value, plus a little if `more`) x 2^exponent, which must be a normal number; value is not 0.
static double nearest(wide value, bool more, int exponent) {
  int zeros = (uint64_t)(value >> 64) ? __builtin_clzll((uint64_t)(value >> 64)) : 64 + __builtin_clzll((uint64_t)value);
  value <<= zeros;
  exponent += 64 - zeros;
  uint64_t top = (uint64_t)(value >> 64);
  more |= (uint64_t)value != 0;
  uint64_t mantissa = top >> 11;
  uint64_t rest = top & 0x7FF;
  if (rest > 0x400 || (rest == 0x400 && (more || (mantissa & 1)))) mantissa++;
  uint64_t scale = (uint64_t)(1023 + exponent + 11) << 52;
  double power;
  memcpy(&power, &scale, sizeof power);
  return (double)mantissa * power;
}

// For numbers whose digits or exponent are long.
static bool convert_slowly(const decimal *number, void *locale, double *value) {
  char room[128];
  size_t length = (size_t)(number->end - number->start);
  char *text = length < sizeof room ? room : malloc(length + 1);
  if (!text) return false;
  memcpy(text, number->start, length);
  text[length] = 0;
  *value = strtod_l(text, NULL, (locale_t)locale);
  if (text != room) free(text);
  return isfinite(*value);
}

bool decimal_to_double(const decimal *number, void *locale, double *value) {
  int64_t exponent = number->exponent;
  if (number->digits == 0) {
    *value = number->negative ? -0.0 : 0.0;
    return true;
  }
  if (number->inexact || exponent < -27 || exponent > 27) return convert_slowly(number, locale, value);
  double result;
  if (number->digits <= (uint64_t)1 << 53 && exponent >= -22 && exponent <= 22) {
    // Both operands are exact, so that the one rounding is the right one (Clinger, PLDI 1990).
    result = exponent < 0 ? (double)number->digits / powers_of_ten[-exponent]
                          : (double)number->digits * powers_of_ten[exponent];
  } else if (exponent >= 0) {
    result = nearest((wide)number->digits * powers_of_five[exponent], false, (int)exponent);
  } else {
    // 10^-k = 5^-k x 2^-k: a quotient of at least 64 bits, and whether anything is left.
    int zeros = __builtin_clzll(number->digits);
    wide dividend = (wide)(number->digits << zeros) << 64;
    uint64_t divisor = powers_of_five[-exponent];
    wide quotient = dividend / divisor;
    result = nearest(quotient, dividend != quotient * divisor, (int)exponent - 64 - zeros);
  }
  *value = number->negative ? -result : result;
  return true;
}
