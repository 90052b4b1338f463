// What the splitters share of the batch.
#pragma once

#include "record_batch.h"

/// Adds a record whose bytes lie in the batch already.
bool lakeward_batch_add(lakeward_batch *batch, const char *text, size_t length, int64_t offset,
                        const lakeward_origin *origin);

/// Keeps the first `length` bytes of what lakeward_batch_reserve gave last.
void lakeward_batch_keep(lakeward_batch *batch, size_t length);

/// Gives the last record another encoding, if it is text.
void lakeward_batch_mark_last(lakeward_batch *batch, lakeward_encoding encoding);

/// Whether there is nothing but spaces, tabs and carriage returns.
bool lakeward_is_blank(const char *text, size_t length);
