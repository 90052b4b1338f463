#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "duckdb.h"

#ifdef __cplusplus
extern "C" {
#endif

/// How a record's `raw` text stands for its bytes; the table function's column `raw_encoding` says it in words.
typedef enum lakeward_encoding {
  LAKEWARD_UTF8 = 0,             ///< "utf-8": the bytes as they came
  LAKEWARD_BASE64 = 1,           ///< "base64": the bytes are not UTF-8, the text is their base64 (RFC 4648)
  LAKEWARD_MISSING = 2,          ///< "missing": the bytes vanished before they were read, the text is NULL
  LAKEWARD_OVERSIZE = 3,         ///< "oversize": longer than allowed, text as it came
  LAKEWARD_OVERSIZE_BASE64 = 4,  ///< "oversize-base64": longer than allowed and not UTF-8
  LAKEWARD_BAD_ROW = 5,          ///< "bad-row": a line of a CSV file that does not fit its header, as it came
  LAKEWARD_UNREADABLE = 6,       ///< "unreadable": a file that is not what its name says, the text is NULL
} lakeward_encoding;

/// One source record. `text` points into a buffer of its batch and lives as long as it.
typedef struct lakeward_record {
  const char *text;
  int64_t offset;
  uint32_t length;
  int32_t partition;
  uint32_t source;
  uint32_t encoding;
} lakeward_record;

/// What every record of an append has in common.
typedef struct lakeward_origin {
  int64_t first_offset;     ///< offset of the first record or line
  uint64_t max_length;      ///< a longer record is oversize
  int32_t partition;
  uint32_t source;          ///< index from lakeward_batch_add_source
  uint64_t max_records;     ///< a split stops after so many records,
  uint64_t max_lines;       ///< or after so many lines
} lakeward_origin;

/// What a split of lines found.
typedef struct lakeward_split {
  uint64_t consumed;  ///< bytes up to and with the last line taken
  uint64_t lines;     ///< lines taken, blank ones included: the next line's offset is first_offset + lines
  uint64_t records;   ///< records appended
} lakeward_split;

/// Records and their bytes. One thread appends; then any number of threads read. Counted references.
typedef struct lakeward_batch lakeward_batch;

/// The longest record in bytes (its base64 must fit DuckDB's 32-bit string length with room to spare).
#define LAKEWARD_MAX_RECORD ((uint64_t)1 << 30)

/// Every function that returns bool gives false when memory is exhausted (or a record exceeds LAKEWARD_MAX_RECORD); the
/// batch then holds what it held before, or in a split the lines before the one that failed.
lakeward_batch *lakeward_batch_create(void);
lakeward_batch *lakeward_batch_retain(lakeward_batch *batch);
void lakeward_batch_release(lakeward_batch *batch);

/// Whether only the caller holds the batch.
bool lakeward_batch_is_unshared(const lakeward_batch *batch);

/// Empties the batch, keeping its memory for the next use. Only while nothing scans it.
void lakeward_batch_reset(lakeward_batch *batch);

uint64_t lakeward_batch_count(const lakeward_batch *batch);
const lakeward_record *lakeward_batch_records(const lakeward_batch *batch);

/// Bytes of all records' texts.
uint64_t lakeward_batch_bytes(const lakeward_batch *batch);

/// Names a source; false if memory is exhausted.
bool lakeward_batch_add_source(lakeward_batch *batch, const char *name, size_t length, uint32_t *index);

/// A source's name (NULL for a number that was not given out).
const char *lakeward_batch_source(const lakeward_batch *batch, uint32_t index, size_t *length);

/// Room for `capacity` bytes to be read into and then split in place; NULL if memory is exhausted.
char *lakeward_batch_reserve(lakeward_batch *batch, size_t capacity);

/// Splits `length` bytes at '\n' into records. `text` is either what lakeward_batch_reserve gave last (split in place)
/// or foreign (then `copy` must be true). Drops a trailing '\r', skips blank lines but counts them. The bytes after the
/// last '\n' are taken only if `take_rest`.
bool lakeward_batch_split(lakeward_batch *batch, const char *text, size_t length, bool copy, bool take_rest,
                          lakeward_origin origin, lakeward_split *split);

/// Appends one record, copying its bytes. With `without_text` it has no text and this encoding.
bool lakeward_batch_append(lakeward_batch *batch, const char *text, size_t length, bool without_text,
                           lakeward_encoding encoding, lakeward_origin origin);

/// A column of a CSV file: what stands before its value in a JSON object, such as `"heart_rate":`.
typedef struct lakeward_csv_column {
  const char *key;
  size_t key_length;
  bool is_boolean;  ///< true and false, in any case, are written without quotes
} lakeward_csv_column;

/// The columns of a CSV file in the order of its header.
typedef struct lakeward_csv {
  const lakeward_csv_column *columns;
  size_t count;
  char delimiter;
} lakeward_csv;

/// Splits `length` bytes of CSV (RFC 4180, any delimiter) into records, each the JSON object of a row: every value a string,
/// empty ones without quotes left out. A row that does not fit the columns becomes a record LAKEWARD_BAD_ROW of its first
/// line. Counts, `take_rest` and result as in lakeward_batch_split; a row over several lines counts as one.
bool lakeward_batch_split_csv(lakeward_batch *batch, const char *text, size_t length, bool take_rest,
                              const lakeward_csv *csv, lakeward_origin origin, lakeward_split *split);

/// Position after the last (or, with `first`, after the first) line end outside quotes; 0 if there is none. `state` is 0 at
/// the beginning of a row and goes on in the next piece of the text.
size_t lakeward_csv_row_end(const char *text, size_t length, char delimiter, bool first, uint8_t *state);

/// Whether the bytes are valid UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates).
bool lakeward_is_utf8(const char *text, size_t length);

/// What a registered table function scans: no batch (no rows) or one. Counted references; thread-safe.
typedef struct lakeward_scan lakeward_scan;

lakeward_scan *lakeward_scan_create(void);
void lakeward_scan_release(lakeward_scan *scan);

/// Sets the batch that scans beginning from now read; NULL: none. Running scans keep theirs.
void lakeward_scan_bind(lakeward_scan *scan, lakeward_batch *batch);

/// Registers the table function `name()` with the columns raw VARCHAR, raw_encoding VARCHAR, source VARCHAR,
/// partition INTEGER, "offset" BIGINT. The catalog keeps a reference to `scan`.
duckdb_state lakeward_scan_register(duckdb_connection connection, const char *name, lakeward_scan *scan);

#ifdef __cplusplus
}
#endif
