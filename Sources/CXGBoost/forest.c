#include "forest.h"

#include <math.h>

/* Rows walked through a tree together: enough independent chains of loads to hide their latency. */
#define LANES 8
#define BLOCK_ROWS 128
#define BLOCK_FLOATS 16384

/* Copies a row twice, so that following a missing value's direction needs no branch: see lakeward_forest. */
static void expand(const float *restrict row, size_t features, float *restrict out) {
  for (size_t c = 0; c < features; c++) {
    float x = row[c];
    int missing = x != x;
    out[c] = missing ? -INFINITY : x;
    out[features + c] = missing ? INFINITY : x;
  }
}

static inline void walk(const lakeward_node *restrict nodes, const float *restrict values, uint32_t depth,
                        const float *restrict rows, size_t stride, float *restrict margins) {
  uint32_t at[LANES] = {0};
  for (uint32_t level = 0; level < depth; level++) {
#pragma GCC unroll 8
    for (int lane = 0; lane < LANES; lane++) {
      lakeward_node node = nodes[at[lane]];
      float x = rows[(size_t)lane * stride + (node.link & LAKEWARD_COLUMN_MASK)];
      at[lane] = (node.link >> LAKEWARD_COLUMN_BITS) + (uint32_t)(x >= node.threshold);
    }
  }
  for (int lane = 0; lane < LANES; lane++) margins[lane] += values[at[lane]];
}

void lakeward_forest_margins(const lakeward_forest *forest, const float *rows, size_t count, float *margins) {
  float block[BLOCK_FLOATS];
  float sums[BLOCK_ROWS];
  size_t features = forest->features;
  size_t stride = 2 * features;
  size_t capacity = stride == 0 ? BLOCK_ROWS : BLOCK_FLOATS / stride;
  /* Rows too wide for a group of lanes go one at a time. */
  size_t step = capacity < LANES ? 1 : (capacity > BLOCK_ROWS ? BLOCK_ROWS : capacity / LANES * LANES);
  for (size_t start = 0; start < count; start += step) {
    size_t here = count - start < step ? count - start : step;
    for (size_t r = 0; r < here; r++) expand(rows + (start + r) * features, features, block + r * stride);
    for (size_t r = 0; r < BLOCK_ROWS; r++) sums[r] = forest->base;
    for (size_t t = 0; t < forest->tree_count; t++) {
      const lakeward_tree *tree = &forest->trees[t];
      const lakeward_node *nodes = forest->nodes + tree->first_node;
      const float *values = forest->values + tree->first_node;
      size_t r = 0;
      for (; r + LANES <= here; r += LANES)
        walk(nodes, values, tree->depth, block + r * stride, stride, sums + r);
      for (; r < here; r++) {
        uint32_t at = 0;
        for (uint32_t level = 0; level < tree->depth; level++) {
          lakeward_node node = nodes[at];
          at = (node.link >> LAKEWARD_COLUMN_BITS) +
               (uint32_t)(block[r * stride + (node.link & LAKEWARD_COLUMN_MASK)] >= node.threshold);
        }
        sums[r] += values[at];
      }
    }
    for (size_t r = 0; r < here; r++) margins[start + r] = sums[r];
  }
}
