// DuckDB scalar function that turns raw JSON records into typed columns in one pass.
#include "record_parser.h"

#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "record_layout.h"
#include "text_values.h"

typedef enum status { status_unseen, status_null, status_good, status_wrong } status;

// A column of the result.
typedef struct column {
  duckdb_vector vector;
  void *data;
  uint64_t *validity;  // NULL while no row is NULL
} column;

// The state of one call.
typedef struct call {
  record_layout *layout;
  column *columns;
  uint8_t *statuses;  // of the record's fields
  uint32_t *next;     // next[0]: the field that a record began with lately; next[f + 1]: the one that followed field f
  char *scratch;
  size_t scratch_size;
  duckdb_vector reasons;
  uint64_t *has_reason;
  const char *unknown;  // the key that take_key found no field for, without escapes; else NULL
  size_t unknown_length;
  uint64_t noted[MAX_UNKNOWN_KEYS];  // hashes of such keys that this call has seen to
  uint32_t noted_count;
  bool is_out_of_memory;
} call;

// Room for `size` bytes; what it held before is lost.
static char *scratch(call *c, size_t size) {
  if (size > c->scratch_size) {
    free(c->scratch);
    c->scratch_size = size * 2;
    c->scratch = malloc(c->scratch_size);
    if (!c->scratch) {
      c->scratch_size = 0;
      c->is_out_of_memory = true;
    }
  }
  return c->scratch;
}

static void set_null(call *c, uint32_t f, idx_t row) {
  column *column = c->columns + f;
  if (!column->validity) {
    duckdb_vector_ensure_validity_writable(column->vector);
    column->validity = duckdb_vector_get_validity(column->vector);
  }
  column->validity[row >> 6] &= ~((uint64_t)1 << (row & 63));
  lakeward_field_type type = c->layout->fields[f].type;
  if (type != LAKEWARD_STRING && type != LAKEWARD_UUID) return;
  memset((duckdb_string_t *)column->data + row, 0, sizeof(duckdb_string_t));
}

static status take_number(call *c, uint32_t f, idx_t row, const decimal *number) {
  void *data = c->columns[f].data;
  int64_t whole;
  switch (c->layout->fields[f].type) {
    case LAKEWARD_DOUBLE:
      return decimal_to_double(number, c->layout->locale, (double *)data + row) ? status_good : status_wrong;
    case LAKEWARD_INT:
      if (!decimal_to_int64(number, &whole) || whole < INT32_MIN || whole > INT32_MAX) return status_wrong;
      ((int32_t *)data)[row] = (int32_t)whole;
      return status_good;
    case LAKEWARD_BIGINT:
      return decimal_to_int64(number, (int64_t *)data + row) ? status_good : status_wrong;
    default:
      return status_wrong;
  }
}

// A string's text; the byte at `end` is no part of a number.
static status take_text(call *c, uint32_t f, idx_t row, const char *text, const char *end) {
  column *column = c->columns + f;
  size_t length = (size_t)(end - text);
  bool valid = false;
  switch (c->layout->fields[f].type) {
    case LAKEWARD_STRING:
      duckdb_unsafe_vector_assign_string_element_len(column->vector, row, text, length);
      valid = true;
      break;
    case LAKEWARD_UUID: {
      char lower[36];
      valid = text_to_uuid(text, length, lower);
      if (valid) duckdb_unsafe_vector_assign_string_element_len(column->vector, row, lower, sizeof lower);
      break;
    }
    case LAKEWARD_DATE:
      valid = text_to_date(text, length, (int32_t *)column->data + row);
      break;
    case LAKEWARD_TIMESTAMP:
      valid = text_to_timestamp(text, length, (int64_t *)column->data + row);
      break;
    case LAKEWARD_BOOLEAN:
      break;
    default: {
      decimal number;
      return decimal_from_text(text, end, &number) ? take_number(c, f, row, &number) : status_wrong;
    }
  }
  return valid ? status_good : status_wrong;
}

// From behind a string's opening quote to behind its closing one.
static const char *take_string(call *c, uint32_t f, idx_t row, const char *p, const char *last) {
  bool has_escapes;
  const char *end = json_string(p, last, &has_escapes);
  if (!end) return NULL;
  if (has_escapes) {
    char *text = scratch(c, (size_t)(end - p) + 1);
    if (!text) return NULL;
    char *text_end = json_unescape(p, end, text);
    *text_end = 0;
    c->statuses[f] = (uint8_t)take_text(c, f, row, text, text_end);
  } else {
    c->statuses[f] = (uint8_t)take_text(c, f, row, p, end);
  }
  return end + 1;
}

// Past the value at p, which goes into a field's column; NULL if it is not valid JSON.
static const char *take_value(call *c, uint32_t f, idx_t row, const char *p, const char *last) {
  decimal number;
  const char *end;
  switch (*p) {
    case '"':
      return take_string(c, f, row, p + 1, last);
    case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
      end = json_number(p, &number);
      if (end) c->statuses[f] = (uint8_t)take_number(c, f, row, &number);
      return end;
    case '-':
      end = json_number(p, &number);
      if (!end) break;
      c->statuses[f] = (uint8_t)take_number(c, f, row, &number);
      return end;
    case 'n':
      c->statuses[f] = status_null;
      return json_skip(p, last, 1);
    case 't': case 'f':
      if (c->layout->fields[f].type != LAKEWARD_BOOLEAN) break;
      ((bool *)c->columns[f].data)[row] = *p == 't';
      c->statuses[f] = status_good;
      return json_skip(p, last, 1);
    default:
      break;
  }
  c->statuses[f] = status_wrong;
  return json_skip(p, last, 1);
}

static inline bool same_bytes(const char *a, const char *b, size_t length) {
  if (length < 8) return memcmp(a, b, length) == 0;
  uint64_t x, y;
  for (size_t i = 0; i + 8 < length; i += 8) {
    memcpy(&x, a + i, 8);
    memcpy(&y, b + i, 8);
    if (x != y) return false;
  }
  memcpy(&x, a + length - 8, 8);
  memcpy(&y, b + length - 8, 8);
  return x == y;
}

// From a key's quote to behind its colon; NULL if it is not valid. `guess` is a field that is likely here.
static inline const char *take_key(call *c, const char *p, const char *last, uint32_t guess, uint32_t *found) {
  const layout_field *field = c->layout->fields + guess;
  if ((size_t)(last - p) > field->token_length && same_bytes(p, field->token, field->token_length)) {
    *found = guess;
    return p + field->token_length;
  }
  if (*p != '"') return NULL;
  bool has_escapes;
  const char *key = p + 1;
  const char *end = json_string(key, last, &has_escapes);
  if (!end) return NULL;
  p = json_space(end + 1);
  if (*p != ':') return NULL;
  if (has_escapes) {
    char *text = scratch(c, (size_t)(end - key));
    if (!text) return NULL;
    *found = layout_find(c->layout, text, (size_t)(json_unescape(key, end, text) - text));
  } else {
    *found = layout_find(c->layout, key, (size_t)(end - key));
    c->unknown = key;
    c->unknown_length = (size_t)(end - key);
    return p + 1;
  }
  c->unknown = NULL;
  return p + 1;
}

// Keeps the name of a key that no field has, once in a call; p is at its value.
static void note_unknown(call *c, const char *p) {
  if (!c->unknown || c->noted_count == MAX_UNKNOWN_KEYS) return;
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < c->unknown_length; i++) hash = (hash ^ (uint8_t)c->unknown[i]) * 1099511628211u;
  for (uint32_t i = 0; i < c->noted_count; i++) {
    if (c->noted[i] == hash) return;
  }
  c->noted[c->noted_count++] = hash;
  layout_note(c->layout, c->unknown, c->unknown_length, *p);
}

// Reads the object from p, behind its brace, to its own brace at `last`; false if it is not valid JSON.
static bool take_object(call *c, const char *p, const char *last, idx_t row) {
  uint32_t slot = 0;
  p = json_space(p);
  if (*p == '}') return p == last;
  for (;;) {
    uint32_t found;
    p = take_key(c, p, last, c->next[slot], &found);
    if (!p) return false;
    p = json_space(p);
    // The first of equal keys counts.
    if (found == NO_FIELD || c->statuses[found] != status_unseen) {
      if (found == NO_FIELD) note_unknown(c, p);
      p = json_skip(p, last, 1);
    } else {
      c->next[slot] = found;
      slot = found + 1;
      p = take_value(c, found, row, p, last);
    }
    if (!p || p > last) return false;
    p = json_space(p);
    if (*p == '}') return p == last;
    if (*p != ',') return false;
    p = json_space(p + 1);
  }
}

static void reject(call *c, idx_t row, const char *reason, size_t length) {
  for (uint32_t f = 0; f < c->layout->count; f++) set_null(c, f, row);
  duckdb_unsafe_vector_assign_string_element_len(c->reasons, row, reason, length);
  c->has_reason[row >> 6] |= (uint64_t)1 << (row & 63);
}

static void reject_text(call *c, idx_t row, const char *reason) { reject(c, row, reason, strlen(reason)); }

// Why a field keeps its record out; NULL if it does not.
static const char *trouble(const call *c, uint32_t f) {
  const layout_field *field = c->layout->fields + f;
  if (c->statuses[f] == status_wrong) return field->wrong;
  return c->statuses[f] != status_good && field->is_required ? field->missing : NULL;
}

// What is left to do for a valid object: NULL for the fields without a value, or the record's reason.
static void settle(call *c, idx_t row) {
  uint32_t count = c->layout->count;
  size_t size = 0;
  bool is_complete = true;
  for (uint32_t f = 0; f < count; f++) {
    if (c->statuses[f] == status_good) continue;
    is_complete = false;
    const char *reason = trouble(c, f);
    if (reason) size += strlen(reason) + 2;
  }
  if (is_complete) return;
  if (size == 0) {
    for (uint32_t f = 0; f < count; f++) {
      if (c->statuses[f] != status_good) set_null(c, f, row);
    }
    return;
  }
  char *text = scratch(c, size);
  if (!text) return;
  char *end = text;
  for (uint32_t f = 0; f < count; f++) {
    const char *reason = trouble(c, f);
    if (!reason) continue;
    size_t length = strlen(reason);
    if (end > text) {
      memcpy(end, "; ", 2);
      end += 2;
    }
    memcpy(end, reason, length);
    end += length;
  }
  reject(c, row, text, (size_t)(end - text));
}

static inline bool is_space(char byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }

static void parse_record(call *c, const char *text, size_t length, idx_t row) {
  const char *end = text + length;
  while (text < end && is_space(*text)) text++;
  while (text < end && is_space(end[-1])) end--;
  memset(c->statuses, status_unseen, c->layout->count);
  if (end - text >= 2 && *text == '{' && end[-1] == '}') {
    if (take_object(c, text + 1, end - 1, row)) {
      settle(c, row);
    } else {
      reject_text(c, row, "not valid JSON");
    }
    return;
  }
  // No object: only whether it is JSON at all matters. The copy gives the scanners a byte to stop at.
  length = (size_t)(end - text);
  char *copy = scratch(c, length + 1);
  if (!copy) return;
  memcpy(copy, text, length);
  copy[length] = 0;
  bool is_json = json_skip(copy, copy + length, 0) == copy + length;
  reject_text(c, row, is_json ? "not a JSON object" : "not valid JSON");
}

static const char *text_of(const duckdb_string_t *string) {
  return string->value.inlined.length <= 12 ? string->value.inlined.inlined : string->value.pointer.ptr;
}

static bool is_word(const duckdb_string_t *string, const char *text) {
  size_t length = strlen(text);
  return string->value.inlined.length == length && memcmp(text_of(string), text, length) == 0;
}

// A record that is not there as text.
static void reject_encoding(call *c, const duckdb_string_t *encoding, idx_t row) {
  const char *reason = "unknown encoding of the record";
  if (!encoding || is_word(encoding, "missing")) {
    reason = "the source removed these bytes before they were read";
  } else if (is_word(encoding, "bad-row")) {
    reason = "not a row with the columns of its file";
  } else if (is_word(encoding, "unreadable")) {
    reason = "the file is not what its name says";
  } else if (is_word(encoding, "base64")) {
    reason = "not valid UTF-8";
  } else if (is_word(encoding, "oversize") || is_word(encoding, "oversize-base64")) {
    reason = "longer than the largest record allowed";
  }
  reject_text(c, row, reason);
}

static inline bool is_null(const uint64_t *validity, idx_t row) {
  return validity && !(validity[row >> 6] >> (row & 63) & 1);
}

static bool begin(call *c, duckdb_vector output, idx_t count) {
  uint32_t fields = c->layout->count;
  c->columns = calloc(fields, sizeof *c->columns);
  c->next = malloc((fields + 1) * sizeof *c->next);
  c->statuses = malloc(fields);
  if (!c->columns || !c->next || !c->statuses) return false;
  for (uint32_t f = 0; f < fields; f++) {
    c->next[f] = f;
    c->columns[f].vector = duckdb_struct_vector_get_child(output, f);
    c->columns[f].data = duckdb_vector_get_data(c->columns[f].vector);
  }
  c->next[fields] = 0;
  c->reasons = duckdb_struct_vector_get_child(output, fields);
  memset(duckdb_vector_get_data(c->reasons), 0, count * sizeof(duckdb_string_t));
  duckdb_vector_ensure_validity_writable(c->reasons);
  c->has_reason = duckdb_vector_get_validity(c->reasons);
  memset(c->has_reason, 0, (count + 63) / 64 * 8);
  return true;
}

// Called on DuckDB's worker threads, several at once; the layout is all that they share.
static void parse_records(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  idx_t count = duckdb_data_chunk_get_size(input);
  duckdb_vector raw = duckdb_data_chunk_get_vector(input, 0);
  duckdb_vector encoding = duckdb_data_chunk_get_vector(input, 1);
  const duckdb_string_t *texts = duckdb_vector_get_data(raw);
  const duckdb_string_t *encodings = duckdb_vector_get_data(encoding);
  const uint64_t *texts_validity = duckdb_vector_get_validity(raw);
  const uint64_t *encodings_validity = duckdb_vector_get_validity(encoding);
  call c = {.layout = duckdb_scalar_function_get_extra_info(info)};
  if (begin(&c, output, count)) {
    for (idx_t row = 0; row < count; row++) {
      if (is_null(encodings_validity, row)) {
        reject_encoding(&c, NULL, row);
      } else if (is_null(texts_validity, row)) {
        reject_encoding(&c, is_word(encodings + row, "unreadable") ? encodings + row : NULL, row);
      } else if (is_word(encodings + row, "utf-8")) {
        parse_record(&c, text_of(texts + row), texts[row].value.inlined.length, row);
      } else {
        reject_encoding(&c, encodings + row, row);
      }
    }
  } else {
    c.is_out_of_memory = true;
  }
  if (c.is_out_of_memory) duckdb_scalar_function_set_error(info, "no memory for parsing records");
  free(c.scratch);
  free(c.columns);
  free(c.next);
  free(c.statuses);
}

static duckdb_type column_type(lakeward_field_type type) {
  switch (type) {
    case LAKEWARD_INT:
      return DUCKDB_TYPE_INTEGER;
    case LAKEWARD_BIGINT:
      return DUCKDB_TYPE_BIGINT;
    case LAKEWARD_DOUBLE:
      return DUCKDB_TYPE_DOUBLE;
    case LAKEWARD_BOOLEAN:
      return DUCKDB_TYPE_BOOLEAN;
    case LAKEWARD_DATE:
      return DUCKDB_TYPE_DATE;
    case LAKEWARD_TIMESTAMP:
      return DUCKDB_TYPE_TIMESTAMP_TZ;
    default:
      return DUCKDB_TYPE_VARCHAR;
  }
}

// The function's result; NULL if it cannot be.
static duckdb_logical_type result_type(const lakeward_field *fields, size_t count) {
  duckdb_logical_type *types = calloc(count + 1, sizeof *types);
  const char **names = calloc(count + 1, sizeof *names);
  duckdb_logical_type result = NULL;
  if (types && names) {
    for (size_t i = 0; i < count; i++) {
      types[i] = duckdb_create_logical_type(column_type(fields[i].type));
      names[i] = fields[i].column;
    }
    types[count] = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    names[count] = "_reason";
    result = duckdb_create_struct_type(types, names, count + 1);
    for (size_t i = 0; i <= count; i++) duckdb_destroy_logical_type(types + i);
  }
  free(types);
  free(names);
  return result;
}

duckdb_state lakeward_register_parser(duckdb_connection connection, const char *name, const lakeward_field *fields,
                                      size_t count) {
  if (count == 0 || count >= NO_FIELD) return DuckDBError;
  duckdb_logical_type result = result_type(fields, count);
  record_layout *layout = layout_create(fields, count);
  if (!result || !layout) {
    if (result) duckdb_destroy_logical_type(&result);
    layout_destroy(layout);
    return DuckDBError;
  }
  if (layout_register_unknown(connection, name, layout) != DuckDBSuccess) {
    duckdb_destroy_logical_type(&result);
    layout_destroy(layout);
    return DuckDBError;
  }
  duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
  duckdb_scalar_function function = duckdb_create_scalar_function();
  duckdb_scalar_function_set_name(function, name);
  duckdb_scalar_function_add_parameter(function, text);
  duckdb_scalar_function_add_parameter(function, text);
  duckdb_scalar_function_set_return_type(function, result);
  duckdb_scalar_function_set_special_handling(function);
  // A volatile function is neither copied into the filters and projections above it nor computed while planning.
  duckdb_scalar_function_set_volatile(function);
  duckdb_scalar_function_set_extra_info(function, layout, layout_destroy);
  duckdb_scalar_function_set_function(function, parse_records);
  duckdb_state state = duckdb_register_scalar_function(connection, function);
  duckdb_destroy_scalar_function(&function);
  duckdb_destroy_logical_type(&text);
  duckdb_destroy_logical_type(&result);
  return state;
}
