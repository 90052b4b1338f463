// DuckDB table function over a record batch.
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "record_batch.h"

enum { column_raw, column_encoding, column_source, column_partition, column_offset };

// Rows that a thread takes at a time: ten DuckDB vectors.
static const uint64_t piece_rows = 20480;

struct lakeward_scan {
  atomic_size_t references;
  pthread_mutex_t lock;
  lakeward_batch *batch;  // guarded by lock
};

// One execution of the scan, shared by its threads.
typedef struct execution {
  lakeward_batch *batch;
  uint64_t count;
  atomic_ullong next;
  idx_t column_count;
  idx_t columns[];
} execution;

// The rows that one thread has taken and not given out.
typedef struct piece {
  uint64_t next;
  uint64_t end;
} piece;

lakeward_scan *lakeward_scan_create(void) {
  lakeward_scan *scan = calloc(1, sizeof *scan);
  if (!scan) return NULL;
  if (pthread_mutex_init(&scan->lock, NULL) != 0) {
    free(scan);
    return NULL;
  }
  atomic_init(&scan->references, 1);
  return scan;
}

void lakeward_scan_release(lakeward_scan *scan) {
  if (!scan || atomic_fetch_sub_explicit(&scan->references, 1, memory_order_acq_rel) != 1) return;
  lakeward_batch_release(scan->batch);
  pthread_mutex_destroy(&scan->lock);
  free(scan);
}

static void release_scan(void *scan) { lakeward_scan_release(scan); }

void lakeward_scan_bind(lakeward_scan *scan, lakeward_batch *batch) {
  lakeward_batch_retain(batch);
  pthread_mutex_lock(&scan->lock);
  lakeward_batch *before = scan->batch;
  scan->batch = batch;
  pthread_mutex_unlock(&scan->lock);
  lakeward_batch_release(before);
}

static lakeward_batch *current_batch(lakeward_scan *scan) {
  pthread_mutex_lock(&scan->lock);
  lakeward_batch *batch = lakeward_batch_retain(scan->batch);
  pthread_mutex_unlock(&scan->lock);
  return batch;
}

static void bind_columns(duckdb_bind_info info) {
  static const struct {
    const char *name;
    duckdb_type type;
  } columns[] = {{"raw", DUCKDB_TYPE_VARCHAR},
                 {"raw_encoding", DUCKDB_TYPE_VARCHAR},
                 {"source", DUCKDB_TYPE_VARCHAR},
                 {"partition", DUCKDB_TYPE_INTEGER},
                 {"offset", DUCKDB_TYPE_BIGINT}};
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
    duckdb_logical_type type = duckdb_create_logical_type(columns[i].type);
    duckdb_bind_add_result_column(info, columns[i].name, type);
    duckdb_destroy_logical_type(&type);
  }
  lakeward_batch *batch = current_batch(duckdb_bind_get_extra_info(info));
  duckdb_bind_set_cardinality(info, batch ? lakeward_batch_count(batch) : 0, false);
  lakeward_batch_release(batch);
}

static void end_execution(void *data) {
  execution *running = data;
  lakeward_batch_release(running->batch);
  free(running);
}

// The batch is taken here, not at bind, so that a prepared statement reads the batch of its execution.
static void begin_execution(duckdb_init_info info) {
  idx_t column_count = duckdb_init_get_column_count(info);
  execution *running = calloc(1, sizeof *running + column_count * sizeof(idx_t));
  if (!running) {
    duckdb_init_set_error(info, "no memory for a scan of the record batch");
    return;
  }
  running->batch = current_batch(duckdb_init_get_extra_info(info));
  running->count = running->batch ? lakeward_batch_count(running->batch) : 0;
  atomic_init(&running->next, 0);
  running->column_count = column_count;
  for (idx_t i = 0; i < column_count; i++) running->columns[i] = duckdb_init_get_column_index(info, i);
  uint64_t pieces = (running->count + piece_rows - 1) / piece_rows;
  duckdb_init_set_max_threads(info, pieces ? pieces : 1);
  duckdb_init_set_init_data(info, running, end_execution);
}

static void begin_thread(duckdb_init_info info) {
  piece *mine = calloc(1, sizeof *mine);
  if (!mine) {
    duckdb_init_set_error(info, "no memory for a scan of the record batch");
    return;
  }
  duckdb_init_set_init_data(info, mine, free);
}

// DuckDB's string: up to 12 bytes inside, zero-padded because it compares them as numbers; else a pointer, here into the
// batch, which outlives the scan.
static inline void set_string(duckdb_string_t *out, const char *text, uint32_t length) {
  out->value.inlined.length = length;
  if (length <= 12) {
    memset(out->value.inlined.inlined, 0, 12);
    memcpy(out->value.inlined.inlined, text, length);
  } else {
    memcpy(out->value.pointer.prefix, text, 4);
    out->value.pointer.ptr = (char *)text;
  }
}

static void write_raw(duckdb_vector vector, const lakeward_record *records, idx_t count) {
  duckdb_string_t *out = duckdb_vector_get_data(vector);
  uint64_t *validity = NULL;
  for (idx_t i = 0; i < count; i++) {
    if (records[i].text) {
      set_string(out + i, records[i].text, records[i].length);
      continue;
    }
    if (!validity) {
      duckdb_vector_ensure_validity_writable(vector);
      validity = duckdb_vector_get_validity(vector);
    }
    duckdb_validity_set_row_invalid(validity, i);
    set_string(out + i, "", 0);
  }
}

static void write_encoding(duckdb_vector vector, const lakeward_record *records, idx_t count) {
  static const char *const words[] = {"utf-8",           "base64",  "missing",   "oversize",
                                      "oversize-base64", "bad-row", "unreadable"};
  duckdb_string_t strings[7];
  for (size_t i = 0; i < 7; i++) set_string(strings + i, words[i], (uint32_t)strlen(words[i]));
  duckdb_string_t *out = duckdb_vector_get_data(vector);
  for (idx_t i = 0; i < count; i++) out[i] = strings[records[i].encoding];
}

static void write_source(duckdb_vector vector, const lakeward_batch *batch, const lakeward_record *records,
                         idx_t count) {
  duckdb_string_t *out = duckdb_vector_get_data(vector);
  for (idx_t i = 0; i < count; i++) {
    if (i && records[i].source == records[i - 1].source) {
      out[i] = out[i - 1];
      continue;
    }
    size_t length = 0;
    const char *name = lakeward_batch_source(batch, records[i].source, &length);
    set_string(out + i, name ? name : "", (uint32_t)length);
  }
}

static void write_column(duckdb_vector vector, idx_t column, const lakeward_batch *batch,
                         const lakeward_record *records, idx_t count) {
  switch (column) {
    case column_raw:
      write_raw(vector, records, count);
      break;
    case column_encoding:
      write_encoding(vector, records, count);
      break;
    case column_source:
      write_source(vector, batch, records, count);
      break;
    case column_partition: {
      int32_t *out = duckdb_vector_get_data(vector);
      for (idx_t i = 0; i < count; i++) out[i] = records[i].partition;
      break;
    }
    case column_offset: {
      int64_t *out = duckdb_vector_get_data(vector);
      for (idx_t i = 0; i < count; i++) out[i] = records[i].offset;
      break;
    }
    default:
      // A count(*) asks for a column that does not exist and does not read it.
      break;
  }
}

// Called on DuckDB's worker threads, each with its own piece.
static void scan_rows(duckdb_function_info info, duckdb_data_chunk output) {
  execution *running = duckdb_function_get_init_data(info);
  piece *mine = duckdb_function_get_local_init_data(info);
  if (mine->next == mine->end) {
    uint64_t start = atomic_fetch_add_explicit(&running->next, piece_rows, memory_order_relaxed);
    if (start >= running->count) {
      duckdb_data_chunk_set_size(output, 0);
      return;
    }
    mine->next = start;
    mine->end = running->count - start < piece_rows ? running->count : start + piece_rows;
  }
  idx_t count = duckdb_vector_size();
  if (count > mine->end - mine->next) count = mine->end - mine->next;
  const lakeward_record *records = lakeward_batch_records(running->batch) + mine->next;
  for (idx_t i = 0; i < running->column_count; i++) {
    write_column(duckdb_data_chunk_get_vector(output, i), running->columns[i], running->batch, records, count);
  }
  duckdb_data_chunk_set_size(output, count);
  mine->next += count;
}

duckdb_state lakeward_scan_register(duckdb_connection connection, const char *name, lakeward_scan *scan) {
  duckdb_table_function function = duckdb_create_table_function();
  duckdb_table_function_set_name(function, name);
  atomic_fetch_add_explicit(&scan->references, 1, memory_order_relaxed);
  duckdb_table_function_set_extra_info(function, scan, release_scan);
  duckdb_table_function_set_bind(function, bind_columns);
  duckdb_table_function_set_init(function, begin_execution);
  duckdb_table_function_set_local_init(function, begin_thread);
  duckdb_table_function_set_function(function, scan_rows);
  duckdb_table_function_supports_projection_pushdown(function, true);
  duckdb_state state = duckdb_register_table_function(connection, function);
  duckdb_destroy_table_function(&function);
  return state;
}
