// Values that stand in text.
#include "text_values.h"

#include <string.h>

// The lower-case form of a hexadecimal digit, else 0.
static const char hexadecimal[256] = {
    ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7',
    ['8'] = '8', ['9'] = '9', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f',
    ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f',
};

bool text_to_uuid(const char *text, size_t length, char out[36]) {
  if (length != 36) return false;
  if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return false;
  static const uint8_t groups[5][2] = {{0, 8}, {9, 13}, {14, 18}, {19, 23}, {24, 36}};
  bool valid = true;
  for (int group = 0; group < 5; group++) {
    for (int i = groups[group][0]; i < groups[group][1]; i++) {
      out[i] = hexadecimal[(uint8_t)text[i]];
      valid &= out[i] != 0;
    }
  }
  out[8] = out[13] = out[18] = out[23] = '-';
  return valid;
}

// The number of `count` digits at p; -1 if one is no digit.
static inline int number(const char *p, int count) {
  int value = 0;
  for (int i = 0; i < count; i++) {
    unsigned digit = (unsigned char)(p[i] - '0');
    if (digit > 9) return -1;
    value = value * 10 + (int)digit;
  }
  return value;
}

// Days since 1970-01-01, counted in years that begin in March so that the leap day is the last.
static int32_t days_since_epoch(int year, int month, int day) {
  if (month <= 2) year--;
  int era = year / 400;
  int era_year = year % 400;
  int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + era_year * 365 + era_year / 4 - era_year / 100 + day_of_year - 719468;
}

bool text_to_date(const char *text, size_t length, int32_t *days) {
  static const uint8_t month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (length != 10 || text[4] != '-' || text[7] != '-') return false;
  int year = number(text, 4);
  int month = number(text + 5, 2);
  int day = number(text + 8, 2);
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (day > month_days[month - 1] + (month == 2 && is_leap)) return false;
  *days = days_since_epoch(year, month, day);
  return true;
}

// The offset from UTC in minutes that fills the text; false if it is none.
static bool offset_minutes(const char *p, const char *end, int *minutes) {
  size_t length = (size_t)(end - p);
  *minutes = 0;
  if (length == 0 || (length == 1 && (*p == 'Z' || *p == 'z'))) return true;
  if ((*p != '+' && *p != '-') || (length != 3 && length != 5 && length != 6)) return false;
  int hour = number(p + 1, 2);
  int minute = 0;
  if (length == 6 && p[3] != ':') return false;
  if (length > 3) minute = number(end - 2, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return false;
  *minutes = *p == '-' ? -(hour * 60 + minute) : hour * 60 + minute;
  return true;
}

// Past the fraction at p, in microseconds; NULL if it has no digits or more than nine.
static const char *scan_fraction(const char *p, const char *end, int *microseconds) {
  int scale = 100000;
  const char *first = p;
  *microseconds = 0;
  for (; p < end && (unsigned char)(*p - '0') < 10; p++) {
    *microseconds += (*p - '0') * scale;
    scale /= 10;
  }
  return p > first && p - first <= 9 ? p : NULL;
}

bool text_to_timestamp(const char *text, size_t length, int64_t *microseconds) {
  const char *end = text + length;
  int32_t days;
  if (length < 16 || (text[10] != 'T' && text[10] != ' ') || text[13] != ':') return false;
  if (!text_to_date(text, 10, &days)) return false;
  int hour = number(text + 11, 2);
  int minute = number(text + 14, 2);
  int second = 0, fraction = 0, offset = 0;
  const char *p = text + 16;
  if (p < end && *p == ':') {
    if (end - p < 3) return false;
    second = number(p + 1, 2);
    p += 3;
    if (p < end && *p == '.') {
      p = scan_fraction(p + 1, end, &fraction);
      if (!p) return false;
    }
  }
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false;
  if (second == 60) fraction = 0;
  if (!offset_minutes(p, end, &offset)) return false;
  int64_t minutes = (int64_t)days * 1440 + hour * 60 + minute - offset;
  *microseconds = (minutes * 60 + second) * 1000000 + fraction;
  return true;
}
