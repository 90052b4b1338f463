// Strict scanning of JSON text.
#include "json_text.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words of text are searched from their low byte");

static const uint64_t ones = 0x0101010101010101u;
static const uint64_t tops = 0x8080808080808080u;

// Marks the zero bytes of a word; above the first one marks may be wrong.
static inline uint64_t zero_bytes(uint64_t word) { return (word - ones) & ~word & tops; }

// Past the bytes that need no look: all but quotes, backslashes and control characters.
static inline const char *plain_text(const char *p, const char *last) {
  while (last - p >= 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    uint64_t marks =
        zero_bytes(word ^ ones * '"') | zero_bytes(word ^ ones * '\\') | ((word - ones * 0x20) & ~word & tops);
    if (marks) return p + (__builtin_ctzll(marks) >> 3);
    p += 8;
  }
  while (p < last && *p != '"' && *p != '\\' && (uint8_t)*p >= 0x20) p++;
  return p;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  char lower = c | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The code unit of the four hexadecimal digits at p; -1 if there are none.
static int32_t code_unit(const char *p, const char *last) {
  if (last - p < 4) return -1;
  int32_t unit = 0;
  for (int i = 0; i < 4; i++) {
    int digit = hex_digit(p[i]);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

// Past the escape sequence whose backslash is at p; NULL if it is not valid.
static const char *escape_sequence(const char *p, const char *last) {
  if (last - p < 2) return NULL;
  switch (p[1]) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
      return p + 2;
    case 'u':
      break;
    default:
      return NULL;
  }
  int32_t unit = code_unit(p + 2, last);
  if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) return NULL;
  p += 6;
  if (unit < 0xD800 || unit > 0xDFFF) return p;
  if (last - p < 6 || p[0] != '\\' || p[1] != 'u') return NULL;
  unit = code_unit(p + 2, last);
  return unit >= 0xDC00 && unit <= 0xDFFF ? p + 6 : NULL;
}

const char *json_string(const char *p, const char *last, bool *has_escapes) {
  *has_escapes = false;
  for (;;) {
    p = plain_text(p, last);
    if (p >= last) return NULL;
    if (*p == '"') return p;
    if (*p != '\\') return NULL;
    *has_escapes = true;
    p = escape_sequence(p, last);
    if (!p) return NULL;
  }
}

static char *put_utf8(char *out, uint32_t scalar) {
  if (scalar < 0x80) {
    *out++ = (char)scalar;
  } else if (scalar < 0x800) {
    *out++ = (char)(0xC0 | scalar >> 6);
    *out++ = (char)(0x80 | (scalar & 0x3F));
  } else if (scalar < 0x10000) {
    *out++ = (char)(0xE0 | scalar >> 12);
    *out++ = (char)(0x80 | (scalar >> 6 & 0x3F));
    *out++ = (char)(0x80 | (scalar & 0x3F));
  } else {
    *out++ = (char)(0xF0 | scalar >> 18);
    *out++ = (char)(0x80 | (scalar >> 12 & 0x3F));
    *out++ = (char)(0x80 | (scalar >> 6 & 0x3F));
    *out++ = (char)(0x80 | (scalar & 0x3F));
  }
  return out;
}

char *json_unescape(const char *p, const char *end, char *out) {
  while (p < end) {
    if (*p != '\\') {
      *out++ = *p++;
      continue;
    }
    char kind = p[1];
    if (kind != 'u') {
      *out++ = kind == 'b' ? '\b' : kind == 'f' ? '\f' : kind == 'n' ? '\n' : kind == 'r' ? '\r' : kind == 't' ? '\t' : kind;
      p += 2;
      continue;
    }
    uint32_t scalar = (uint32_t)code_unit(p + 2, end);
    p += 6;
    if (scalar >= 0xD800 && scalar <= 0xDBFF) {
      scalar = 0x10000 + ((scalar - 0xD800) << 10) + ((uint32_t)code_unit(p + 2, end) - 0xDC00);
      p += 6;
    }
    out = put_utf8(out, scalar);
  }
  return out;
}

static const char *word(const char *p, const char *last, const char *text, size_t length) {
  return (size_t)(last - p) >= length && memcmp(p, text, length) == 0 ? p + length : NULL;
}

// Past a value that is no container; NULL if it is not valid.
static const char *skip_scalar(const char *p, const char *last) {
  bool has_escapes;
  decimal number;
  switch (*p) {
    case '"':
      p = json_string(p + 1, last, &has_escapes);
      return p ? p + 1 : NULL;
    case 't':
      return word(p, last, "true", 4);
    case 'f':
      return word(p, last, "false", 5);
    case 'n':
      return word(p, last, "null", 4);
    case 'N':
      return word(p, last, "NaN", 3);
    case 'I':
      return word(p, last, "Infinity", 8);
    case '-':
      if (p[1] == 'I') return word(p, last, "-Infinity", 9);
      return json_number(p, &number);
    default:
      return json_number(p, &number);
  }
}

// From a key's quote to its value.
static const char *skip_key(const char *p, const char *last) {
  bool has_escapes;
  if (*p != '"') return NULL;
  p = json_string(p + 1, last, &has_escapes);
  if (!p) return NULL;
  p = json_space(p + 1);
  return *p == ':' ? json_space(p + 1) : NULL;
}

const char *json_skip(const char *p, const char *last, unsigned depth) {
  bool is_object[JSON_DEPTH];
  unsigned open = 0;
  for (;;) {
    if (*p == '{' || *p == '[') {
      if (depth + open == JSON_DEPTH) return NULL;
      bool object = is_object[open++] = *p == '{';
      p = json_space(p + 1);
      if (*p != (object ? '}' : ']')) {
        if (object && !(p = skip_key(p, last))) return NULL;
        continue;
      }
    } else {
      p = skip_scalar(p, last);
      if (!p || open == 0) return p;
      p = json_space(p);
    }
    // Behind a value, or at the end of an empty container: close what ends here, up to the next value.
    for (;;) {
      bool object = is_object[open - 1];
      if (*p == ',') {
        p = json_space(p + 1);
        if (object && !(p = skip_key(p, last))) return NULL;
        break;
      }
      if (*p != (object ? '}' : ']')) return NULL;
      p++;
      if (--open == 0) return p;
      if (p > last) return NULL;
      p = json_space(p);
    }
  }
}
