#pragma once

#include "record_parser.h"

// What a registered parser knows of its records. Never changes after it was made, so that all threads may read it.

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

typedef struct record_layout {
  layout_field *fields;
  uint32_t count;
  uint32_t *slots;  // hash table of field numbers, NO_FIELD where empty
  uint32_t slot_mask;
  size_t longest_key;
  void *locale;  // the C locale, for numbers
} record_layout;

// NULL if memory is exhausted.
record_layout *layout_create(const lakeward_field *fields, size_t count);

void layout_destroy(void *layout);

// The field with this key, or NO_FIELD.
uint32_t layout_find(const record_layout *layout, const char *key, size_t length);
