// DuckDB scalar function that gives the keys that a parser met and does not know.
#include <stdlib.h>
#include <string.h>

#include "record_layout.h"

// Gives the unknown keys as "kind name" lines and forgets them.
static void take_unknown(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  record_layout *layout = duckdb_scalar_function_get_extra_info(info);
  char text[MAX_UNKNOWN_KEYS * (sizeof(((unknown_key *)0)->name) + 3)];
  size_t length = 0;
  pthread_mutex_lock(&layout->lock);
  for (uint32_t i = 0; i < layout->unknown_count; i++) {
    const unknown_key *key = layout->unknown + i;
    text[length++] = key->kind;
    text[length++] = ' ';
    memcpy(text + length, key->name, key->length);
    length += key->length;
    text[length++] = '\n';
  }
  layout->unknown_count = 0;
  pthread_mutex_unlock(&layout->lock);
  idx_t count = duckdb_data_chunk_get_size(input);
  for (idx_t row = 0; row < count; row++) {
    duckdb_vector_assign_string_element_len(output, row, text, row == 0 ? length : 0);
  }
}

duckdb_state layout_register_unknown(duckdb_connection connection, const char *name, record_layout *layout) {
  size_t length = strlen(name);
  char *full = malloc(length + sizeof "_unknown");
  if (!full) return DuckDBError;
  memcpy(full, name, length);
  memcpy(full + length, "_unknown", sizeof "_unknown");
  duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
  duckdb_scalar_function function = duckdb_create_scalar_function();
  duckdb_scalar_function_set_name(function, full);
  duckdb_scalar_function_set_return_type(function, text);
  duckdb_scalar_function_set_volatile(function);
  duckdb_scalar_function_set_extra_info(function, layout_retain(layout), layout_destroy);
  duckdb_scalar_function_set_function(function, take_unknown);
  duckdb_state state = duckdb_register_scalar_function(connection, function);
  duckdb_destroy_scalar_function(&function);
  duckdb_destroy_logical_type(&text);
  free(full);
  return state;
}
