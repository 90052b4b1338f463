// In-memory batch of source records.
#include "record_batch.h"

#include "record_add.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

// A block of bytes that never moves, so that records can point into it.
typedef struct block {
  struct block *next;
  size_t capacity;
  size_t used;
  char bytes[];
} block;

typedef struct name {
  char *text;
  size_t length;
} name;

struct lakeward_batch {
  atomic_size_t references;
  lakeward_record *records;
  size_t count;
  size_t capacity;
  uint64_t bytes;
  block *blocks;  // the one in use
  block *spare;   // emptied by a reset, to be used again
  name *sources;
  size_t source_count;
};

static const size_t first_block = (size_t)256 << 10;
static const size_t largest_block = (size_t)16 << 20;

lakeward_batch *lakeward_batch_create(void) {
  lakeward_batch *batch = calloc(1, sizeof *batch);
  if (batch) atomic_init(&batch->references, 1);
  return batch;
}

lakeward_batch *lakeward_batch_retain(lakeward_batch *batch) {
  if (batch) atomic_fetch_add_explicit(&batch->references, 1, memory_order_relaxed);
  return batch;
}

static void free_blocks(block *list) {
  while (list) {
    block *next = list->next;
    free(list);
    list = next;
  }
}

static void free_sources(lakeward_batch *batch) {
  for (size_t i = 0; i < batch->source_count; i++) free(batch->sources[i].text);
  batch->source_count = 0;
}

void lakeward_batch_release(lakeward_batch *batch) {
  if (!batch || atomic_fetch_sub_explicit(&batch->references, 1, memory_order_acq_rel) != 1) return;
  free_blocks(batch->blocks);
  free_blocks(batch->spare);
  free_sources(batch);
  free(batch->sources);
  free(batch->records);
  free(batch);
}

bool lakeward_batch_is_unshared(const lakeward_batch *batch) {
  return atomic_load_explicit(&batch->references, memory_order_acquire) == 1;
}

void lakeward_batch_reset(lakeward_batch *batch) {
  while (batch->blocks) {
    block *next = batch->blocks->next;
    batch->blocks->used = 0;
    batch->blocks->next = batch->spare;
    batch->spare = batch->blocks;
    batch->blocks = next;
  }
  free_sources(batch);
  batch->count = 0;
  batch->bytes = 0;
}

uint64_t lakeward_batch_count(const lakeward_batch *batch) { return batch->count; }

const lakeward_record *lakeward_batch_records(const lakeward_batch *batch) { return batch->records; }

uint64_t lakeward_batch_bytes(const lakeward_batch *batch) { return batch->bytes; }

bool lakeward_batch_add_source(lakeward_batch *batch, const char *text, size_t length, uint32_t *index) {
  name *sources = realloc(batch->sources, (batch->source_count + 1) * sizeof *sources);
  if (!sources) return false;
  batch->sources = sources;
  char *copy = malloc(length ? length : 1);
  if (!copy) return false;
  memcpy(copy, text, length);
  sources[batch->source_count] = (name){copy, length};
  *index = (uint32_t)batch->source_count++;
  return true;
}

const char *lakeward_batch_source(const lakeward_batch *batch, uint32_t index, size_t *length) {
  if (index >= batch->source_count) return NULL;
  *length = batch->sources[index].length;
  return batch->sources[index].text;
}

// Takes a spare block that is large enough, or a new one.
static block *new_block(lakeward_batch *batch, size_t capacity) {
  for (block **link = &batch->spare; *link; link = &(*link)->next) {
    if ((*link)->capacity < capacity) continue;
    block *found = *link;
    *link = found->next;
    return found;
  }
  size_t size = batch->blocks ? batch->blocks->capacity * 2 : first_block;
  if (size > largest_block) size = largest_block;
  if (size < capacity) size = capacity;
  block *made = malloc(sizeof *made + size);
  if (!made) return NULL;
  made->capacity = size;
  made->used = 0;
  return made;
}

char *lakeward_batch_reserve(lakeward_batch *batch, size_t capacity) {
  block *current = batch->blocks;
  if (!current || current->capacity - current->used < capacity) {
    current = new_block(batch, capacity);
    if (!current) return NULL;
    current->next = batch->blocks;
    batch->blocks = current;
  }
  return current->bytes + current->used;
}

static lakeward_record *next_record(lakeward_batch *batch) {
  if (batch->count == batch->capacity) {
    size_t capacity = batch->capacity ? batch->capacity * 2 : 4096;
    lakeward_record *records = realloc(batch->records, capacity * sizeof *records);
    if (!records) return NULL;
    batch->records = records;
    batch->capacity = capacity;
  }
  return batch->records + batch->count;
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *encode_base64(lakeward_batch *batch, const char *text, size_t length, uint32_t *encoded_length) {
  size_t size = (length + 2) / 3 * 4;
  char *start = lakeward_batch_reserve(batch, size);
  if (!start) return NULL;
  batch->blocks->used += size;
  char *out = start;
  for (size_t i = 0; i < length; i += 3) {
    size_t rest = length - i;
    uint32_t three = (uint32_t)(uint8_t)text[i] << 16;
    if (rest > 1) three |= (uint32_t)(uint8_t)text[i + 1] << 8;
    if (rest > 2) three |= (uint8_t)text[i + 2];
    out[0] = digits[three >> 18];
    out[1] = digits[three >> 12 & 63];
    out[2] = rest > 1 ? digits[three >> 6 & 63] : '=';
    out[3] = rest > 2 ? digits[three & 63] : '=';
    out += 4;
  }
  *encoded_length = (uint32_t)size;
  return start;
}

// Adds a record whose bytes lie in the batch already.
bool lakeward_batch_add(lakeward_batch *batch, const char *text, size_t length, int64_t offset,
                        const lakeward_origin *origin) {
  if (length > LAKEWARD_MAX_RECORD) return false;
  lakeward_record *record = next_record(batch);
  if (!record) return false;
  bool oversize = length > origin->max_length;
  uint32_t text_length = (uint32_t)length;
  uint32_t encoding = oversize ? LAKEWARD_OVERSIZE : LAKEWARD_UTF8;
  if (!lakeward_is_utf8(text, length)) {
    text = encode_base64(batch, text, length, &text_length);
    if (!text) return false;
    encoding = oversize ? LAKEWARD_OVERSIZE_BASE64 : LAKEWARD_BASE64;
  }
  *record = (lakeward_record){text, offset, text_length, origin->partition, origin->source, encoding};
  batch->count++;
  batch->bytes += text_length;
  return true;
}

bool lakeward_is_blank(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r') return false;
  }
  return true;
}

bool lakeward_batch_split(lakeward_batch *batch, const char *text, size_t length, bool copy, bool take_rest,
                          lakeward_origin origin, lakeward_split *split) {
  *split = (lakeward_split){0, 0, 0};
  if (length == 0) return true;
  if (copy) {
    char *room = lakeward_batch_reserve(batch, length);
    if (!room) return false;
    memcpy(room, text, length);
    text = room;
  }
  block *place = batch->blocks;
  place->used += length;
  size_t used = place->used;
  const char *line = text;
  const char *end = text + length;
  while (line < end && split->records < origin.max_records && split->lines < origin.max_lines) {
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    if (!newline && !take_rest) break;
    const char *stop = newline ? newline : end;
    size_t line_length = (size_t)(stop - line);
    if (line_length && line[line_length - 1] == '\r') line_length--;
    if (!lakeward_is_blank(line, line_length)) {
      if (!lakeward_batch_add(batch, line, line_length, origin.first_offset + (int64_t)split->lines, &origin)) return false;
      split->records++;
    }
    split->lines++;
    line = newline ? newline + 1 : end;
    split->consumed = (uint64_t)(line - text);
  }
  // What was not taken is read again: its room is free, unless something was put behind it.
  if (batch->blocks == place && place->used == used) place->used -= length - (size_t)split->consumed;
  return true;
}

bool lakeward_batch_append(lakeward_batch *batch, const char *text, size_t length, bool without_text,
                           lakeward_encoding encoding, lakeward_origin origin) {
  if (without_text) {
    lakeward_record *record = next_record(batch);
    if (!record) return false;
    *record = (lakeward_record){
        NULL, origin.first_offset, 0, origin.partition, origin.source, (uint32_t)encoding};
    batch->count++;
    return true;
  }
  if (length > LAKEWARD_MAX_RECORD) return false;
  char *room = lakeward_batch_reserve(batch, length);
  if (!room) return false;
  if (length) memcpy(room, text, length);
  batch->blocks->used += length;
  return lakeward_batch_add(batch, room, length, origin.first_offset, &origin);
}

void lakeward_batch_keep(lakeward_batch *batch, size_t length) { batch->blocks->used += length; }

void lakeward_batch_mark_last(lakeward_batch *batch, lakeward_encoding encoding) {
  lakeward_record *last = batch->records + batch->count - 1;
  if (last->encoding == LAKEWARD_UTF8) last->encoding = (uint32_t)encoding;
}

// Length of the run of ASCII bytes at the start, up to the last whole 8 bytes of it.
static size_t ascii_prefix(const uint8_t *text, size_t length) {
  size_t i = 0;
  for (; i + 64 <= length; i += 64) {
    uint64_t words[8];
    memcpy(words, text + i, 64);
    uint64_t any = words[0] | words[1] | words[2] | words[3] | words[4] | words[5] | words[6] | words[7];
    if (any & 0x8080808080808080u) break;
  }
  for (; i + 8 <= length; i += 8) {
    uint64_t word;
    memcpy(&word, text + i, 8);
    if (word & 0x8080808080808080u) break;
  }
  return i;
}

static bool is_continuation(uint8_t byte) { return (byte & 0xC0) == 0x80; }

// Length of the well-formed multi-byte sequence at `text`; 0 if there is none.
static size_t sequence_length(const uint8_t *text, size_t length) {
  uint8_t lead = text[0];
  if (lead < 0xC2 || lead > 0xF4) return 0;
  size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (size > length) return 0;
  for (size_t i = 1; i < size; i++) {
    if (!is_continuation(text[i])) return 0;
  }
  uint8_t second = text[1];
  if (lead == 0xE0 && second < 0xA0) return 0;
  if (lead == 0xED && second > 0x9F) return 0;
  if (lead == 0xF0 && second < 0x90) return 0;
  if (lead == 0xF4 && second > 0x8F) return 0;
  return size;
}

bool lakeward_is_utf8(const char *text, size_t length) {
  const uint8_t *bytes = (const uint8_t *)text;
  size_t i = 0;
  while (i < length) {
    i += ascii_prefix(bytes + i, length - i);
    size_t limit = length - i < 8 ? length : i + 8;
    while (i < limit) {
      if (bytes[i] < 0x80) {
        i++;
        continue;
      }
      size_t size = sequence_length(bytes + i, length - i);
      if (size == 0) return false;
      i += size;
    }
  }
  return true;
}
