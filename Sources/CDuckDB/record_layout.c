// What a registered parser knows of its records.
#define _GNU_SOURCE
#include "record_layout.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

static const char *const type_words[] = {"string", "uuid", "int", "bigint", "double", "boolean", "date", "timestamp"};

// FNV-1a.
static uint32_t hash(const char *key, size_t length) {
  uint32_t value = 2166136261u;
  for (size_t i = 0; i < length; i++) value = (value ^ (uint8_t)key[i]) * 16777619u;
  return value ^ value >> 15;
}

// The pieces one after the other, NUL-terminated.
static char *joined(const char *a, size_t a_length, const char *b, const char *c) {
  size_t b_length = strlen(b), c_length = strlen(c);
  char *text = malloc(a_length + b_length + c_length + 1);
  if (!text) return NULL;
  memcpy(text, a, a_length);
  memcpy(text + a_length, b, b_length);
  memcpy(text + a_length + b_length, c, c_length + 1);
  return text;
}

static char *make_token(const lakeward_field *field, size_t *length) {
  char *token = malloc(field->key_length + 4);
  if (!token) return NULL;
  token[0] = '"';
  memcpy(token + 1, field->key, field->key_length);
  memcpy(token + 1 + field->key_length, "\":", 3);
  *length = field->key_length + 3;
  for (size_t i = 0; i < field->key_length; i++) {
    char c = field->key[i];
    if (c == '"' || c == '\\' || (uint8_t)c < 0x20) *length = SIZE_MAX;
  }
  return token;
}

static bool fill_field(layout_field *field, const lakeward_field *source) {
  field->type = source->type;
  field->is_required = source->is_required;
  field->key = joined(source->key, source->key_length, "", "");
  field->key_length = source->key_length;
  field->token = make_token(source, &field->token_length);
  size_t name_length = strlen(source->column);
  field->missing = joined(source->column, name_length, ": missing", "");
  field->wrong = joined(source->column, name_length, ": not a valid ", type_words[source->type]);
  return field->key && field->token && field->missing && field->wrong;
}

static bool fill_slots(record_layout *layout) {
  uint32_t size = 4;
  while (size < layout->count * 2) size *= 2;
  layout->slots = malloc(size * sizeof *layout->slots);
  if (!layout->slots) return false;
  layout->slot_mask = size - 1;
  for (uint32_t i = 0; i < size; i++) layout->slots[i] = NO_FIELD;
  for (uint32_t i = 0; i < layout->count; i++) {
    const layout_field *field = layout->fields + i;
    if (field->key_length > layout->longest_key) layout->longest_key = field->key_length;
    uint32_t slot = hash(field->key, field->key_length) & layout->slot_mask;
    while (layout->slots[slot] != NO_FIELD) slot = (slot + 1) & layout->slot_mask;
    layout->slots[slot] = i;
  }
  return true;
}

record_layout *layout_create(const lakeward_field *fields, size_t count) {
  record_layout *layout = calloc(1, sizeof *layout);
  if (!layout) return NULL;
  if (pthread_mutex_init(&layout->lock, NULL) != 0) {
    free(layout);
    return NULL;
  }
  atomic_init(&layout->references, 1);
  layout->fields = calloc(count, sizeof *layout->fields);
  layout->locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  bool complete = layout->fields && layout->locale;
  for (size_t i = 0; complete && i < count; i++) {
    layout->count++;
    complete = fill_field(layout->fields + i, fields + i);
  }
  if (complete && fill_slots(layout)) return layout;
  layout_destroy(layout);
  return NULL;
}

record_layout *layout_retain(record_layout *layout) {
  atomic_fetch_add_explicit(&layout->references, 1, memory_order_relaxed);
  return layout;
}

void layout_destroy(void *pointer) {
  record_layout *layout = pointer;
  if (!layout || atomic_fetch_sub_explicit(&layout->references, 1, memory_order_acq_rel) != 1) return;
  pthread_mutex_destroy(&layout->lock);
  for (uint32_t i = 0; i < layout->count; i++) {
    free(layout->fields[i].key);
    free(layout->fields[i].token);
    free(layout->fields[i].missing);
    free(layout->fields[i].wrong);
  }
  free(layout->fields);
  free(layout->slots);
  if (layout->locale) freelocale((locale_t)layout->locale);
  free(layout);
}

uint32_t layout_find(const record_layout *layout, const char *key, size_t length) {
  if (length > layout->longest_key) return NO_FIELD;
  uint32_t slot = hash(key, length) & layout->slot_mask;
  for (;; slot = (slot + 1) & layout->slot_mask) {
    uint32_t number = layout->slots[slot];
    if (number == NO_FIELD) return NO_FIELD;
    const layout_field *field = layout->fields + number;
    if (field->key_length == length && memcmp(field->key, key, length) == 0) return number;
  }
}

static bool is_plain(const char *key, size_t length) {
  if (length == 0 || length > sizeof((unknown_key *)0)->name) return false;
  for (size_t i = 0; i < length; i++) {
    char c = key[i];
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    bool is_other = c == '_' || (i > 0 && ((c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':'));
    if (!is_letter && !is_other) return false;
  }
  return true;
}

void layout_note(record_layout *layout, const char *key, size_t length, char kind) {
  if (!is_plain(key, length)) return;
  pthread_mutex_lock(&layout->lock);
  bool is_new = layout->unknown_count < MAX_UNKNOWN_KEYS;
  for (uint32_t i = 0; is_new && i < layout->unknown_count; i++) {
    const unknown_key *known = layout->unknown + i;
    is_new = known->length != length || memcmp(known->name, key, length) != 0;
  }
  if (is_new) {
    unknown_key *slot = layout->unknown + layout->unknown_count++;
    memcpy(slot->name, key, length);
    slot->length = (uint8_t)length;
    slot->kind = kind;
  }
  pthread_mutex_unlock(&layout->lock);
}
