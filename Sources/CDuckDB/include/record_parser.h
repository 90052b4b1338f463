#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "duckdb.h"

#ifdef __cplusplus
extern "C" {
#endif

/// What a field's value must be, and the DuckDB type of its column.
typedef enum lakeward_field_type {
  LAKEWARD_STRING = 0,     ///< JSON string; VARCHAR
  LAKEWARD_UUID = 1,       ///< 8-4-4-4-12 hexadecimal digits; VARCHAR in lower case
  LAKEWARD_INT = 2,        ///< whole number of 32 bits; INTEGER
  LAKEWARD_BIGINT = 3,     ///< whole number of 64 bits; BIGINT
  LAKEWARD_DOUBLE = 4,     ///< finite number; DOUBLE
  LAKEWARD_BOOLEAN = 5,    ///< true or false; BOOLEAN
  LAKEWARD_DATE = 6,       ///< ISO 8601 date; DATE
  LAKEWARD_TIMESTAMP = 7,  ///< ISO 8601 instant; TIMESTAMP WITH TIME ZONE
} lakeward_field_type;

/// A field of a record. Nothing of it is kept.
typedef struct lakeward_field {
  const char *column;  ///< name in the result, NUL-terminated
  const char *key;     ///< key in the JSON object
  size_t key_length;
  lakeward_field_type type;
  bool is_required;
} lakeward_field;

/// Registers the volatile scalar function `name(raw VARCHAR, raw_encoding VARCHAR)`, which gives a STRUCT of the fields'
/// columns in their order and `_reason` VARCHAR. Columns and keys must be distinct, and there must be one at least.
///
/// Registers also `name_unknown()`, which gives the keys that no field has, of records since it was called last, as text:
/// a line for each, the first byte of a value, a space and the key. Sixteen at most, plain names of up to 64 bytes.
duckdb_state lakeward_register_parser(duckdb_connection connection, const char *name, const lakeward_field *fields,
                                      size_t count);

#ifdef __cplusplus
}
#endif
