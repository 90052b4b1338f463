#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "record_parser.h"

// What a registered parser knows of its records. Never changes after it was made, so that all threads may read it; but
// for the keys that it met and does not know, which have a lock. Counted references.

#define NO_FIELD UINT32_MAX

typedef struct layout_field {
  lakeward_field_type type;
  bool is_required;
  char *key;
  size_t key_length;
  char *token;          // the key as it usually stands in a record: "key":
  size_t token_length;  // SIZE_MAX if the key can only stand there escaped
  char *missing;        // reasons
  char *wrong;
} layout_field;

// A key that no field has. Only plain names are kept: letters, digits and "_-.:", so that no value poses as a key.
typedef struct unknown_key {
  char name[64];
  uint8_t length;
  char kind;  // the first byte of a value that it had
} unknown_key;

#define MAX_UNKNOWN_KEYS 16

typedef struct record_layout {
  atomic_uint references;
  pthread_mutex_t lock;
  unknown_key unknown[MAX_UNKNOWN_KEYS];  // guarded by lock
  uint32_t unknown_count;                 // guarded by lock
  layout_field *fields;
  uint32_t count;
  uint32_t *slots;  // hash table of field numbers, NO_FIELD where empty
  uint32_t slot_mask;
  size_t longest_key;
  void *locale;  // the C locale, for numbers
} record_layout;

// NULL if memory is exhausted.
record_layout *layout_create(const lakeward_field *fields, size_t count);

record_layout *layout_retain(record_layout *layout);

// Gives a reference back.
void layout_destroy(void *layout);

// Keeps a key that no field has, if there is room and it is a plain name. From any thread.
void layout_note(record_layout *layout, const char *key, size_t length, char kind);

// The field with this key, or NO_FIELD.
uint32_t layout_find(const record_layout *layout, const char *key, size_t length);

// Registers `name_unknown()`, which gives the kept keys as "kind name" lines and forgets them.
duckdb_state layout_register_unknown(duckdb_connection connection, const char *name, record_layout *layout);
