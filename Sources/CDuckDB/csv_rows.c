// Rows of CSV text into JSON objects.
#include <string.h>
#include <strings.h>

#include "record_add.h"

// Where in a row the text is. A quote opens a quoted field only at the field's beginning (RFC 4180, section 2).
enum { at_start, in_plain, in_quoted, after_quote };

static inline uint8_t step(uint8_t state, char c, char delimiter) {
  if (state == in_quoted) return c == '"' ? after_quote : in_quoted;
  if (c == delimiter || c == '\n') return at_start;
  if (c == '"') return state == in_plain ? in_plain : in_quoted;  // at a field's start, or a doubled quote
  return in_plain;
}

size_t lakeward_csv_row_end(const char *text, size_t length, char delimiter, bool first, uint8_t *state) {
  size_t end = 0;
  uint8_t now = *state;
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '\n' && now != in_quoted) {
      end = i + 1;
      now = at_start;
      if (first) break;
    } else {
      now = step(now, text[i], delimiter);
    }
  }
  *state = now;
  return end;
}

// Writes one character of a string's inside (RFC 8259, section 7); at most six bytes.
static inline char *write_character(char *out, char c) {
  static const char digits[] = "0123456789abcdef";
  switch (c) {
    case '"': *out++ = '\\', *out++ = '"'; break;
    case '\\': *out++ = '\\', *out++ = '\\'; break;
    case '\n': *out++ = '\\', *out++ = 'n'; break;
    case '\r': *out++ = '\\', *out++ = 'r'; break;
    case '\t': *out++ = '\\', *out++ = 't'; break;
    default:
      if ((unsigned char)c < 0x20) {
        memcpy(out, "\\u00", 4);
        out[4] = digits[(unsigned char)c >> 4];
        out[5] = digits[c & 15];
        out += 6;
      } else {
        *out++ = c;
      }
  }
  return out;
}

static bool is_boolean(const char *text, size_t length) {
  return (length == 4 && strncasecmp(text, "true", 4) == 0) || (length == 5 && strncasecmp(text, "false", 5) == 0);
}

// Writes the JSON object of a row; NULL if the row does not fit the columns.
static char *write_row(char *out, const char *row, const char *end, const lakeward_csv *csv) {
  size_t column = 0;
  char *start = out;
  *out++ = '{';
  const char *field = row;
  while (true) {
    if (column == csv->count) return NULL;
    const lakeward_csv_column *c = csv->columns + column;
    bool quoted = field < end && *field == '"';
    const char *stop = field;
    if (!quoted) {
      while (stop < end && *stop != csv->delimiter) stop++;
    }
    if (quoted || stop > field) {
      if (out - start > 1) *out++ = ',';
      memcpy(out, c->key, c->key_length);
      out += c->key_length;
    }
    if (quoted) {
      const char *p = field + 1;
      *out++ = '"';
      while (true) {
        if (p == end) return NULL;
        if (*p == '"') {
          if (p + 1 < end && p[1] == '"') {
            p++;
          } else {
            break;
          }
        }
        out = write_character(out, *p++);
      }
      *out++ = '"';
      stop = p + 1;
      if (stop < end && *stop != csv->delimiter) return NULL;
    } else if (stop > field) {
      if (c->is_boolean && is_boolean(field, (size_t)(stop - field))) {
        for (const char *p = field; p < stop; p++) *out++ = (char)(*p | 0x20);
      } else {
        *out++ = '"';
        for (const char *p = field; p < stop; p++) out = write_character(out, *p);
        *out++ = '"';
      }
    }
    column++;
    if (stop == end) break;
    field = stop + 1;
  }
  if (column != csv->count) return NULL;
  *out++ = '}';
  return out;
}

static size_t keys_length(const lakeward_csv *csv) {
  size_t length = 2;
  for (size_t i = 0; i < csv->count; i++) length += csv->columns[i].key_length + 3;
  return length;
}

static bool append_bad(lakeward_batch *batch, const char *line, size_t length, int64_t offset,
                       const lakeward_origin *origin) {
  char *room = lakeward_batch_reserve(batch, length);
  if (!room) return false;
  memcpy(room, line, length);
  lakeward_batch_keep(batch, length);
  if (!lakeward_batch_add(batch, room, length, offset, origin)) return false;
  lakeward_batch_mark_last(batch, LAKEWARD_BAD_ROW);
  return true;
}

static size_t without_return(const char *row, const char *end) {
  size_t length = (size_t)(end - row);
  return length && row[length - 1] == '\r' ? length - 1 : length;
}

bool lakeward_batch_split_csv(lakeward_batch *batch, const char *text, size_t length, bool take_rest,
                              const lakeward_csv *csv, lakeward_origin origin, lakeward_split *split) {
  *split = (lakeward_split){0, 0, 0};
  size_t keys = keys_length(csv);
  const char *row = text, *end = text + length;
  while (row < end && split->records < origin.max_records && split->lines < origin.max_lines) {
    uint8_t state = at_start;
    size_t found = lakeward_csv_row_end(row, (size_t)(end - row), csv->delimiter, true, &state);
    if (!found && !take_rest) break;
    const char *stop = found ? row + found - 1 : end;
    const char *next = found ? row + found : end;
    size_t row_length = without_return(row, stop);
    int64_t offset = origin.first_offset + (int64_t)split->lines;
    if (!lakeward_is_blank(row, row_length)) {
      char *room = lakeward_batch_reserve(batch, keys + 6 * row_length);
      if (!room) return false;
      char *last = write_row(room, row, row + row_length, csv);
      if (last) {
        lakeward_batch_keep(batch, (size_t)(last - room));
        if (!lakeward_batch_add(batch, room, (size_t)(last - room), offset, &origin)) return false;
      } else {
        // A quote too many must not swallow the rows behind it: only the line is bad.
        const char *newline = memchr(row, '\n', (size_t)(end - row));
        next = newline ? newline + 1 : end;
        row_length = without_return(row, newline ? newline : end);
        if (!append_bad(batch, row, row_length, offset, &origin)) return false;
      }
      split->records++;
    }
    split->lines++;
    row = next;
    split->consumed = (uint64_t)(row - text);
  }
  return true;
}
