#ifndef LAKEWARD_FOREST_H
#define LAKEWARD_FOREST_H

#include <stddef.h>
#include <stdint.h>

/* One node of a tree, eight bytes so that a tree of depth 8 stays in the first-level cache.
   `link` holds the left child's index within the tree in its upper 20 bits (the right child follows it) and the
   column of the split in its lower 12. A leaf has threshold NaN and is its own left child. */
typedef struct {
  float threshold;
  uint32_t link;
} lakeward_node;

#define LAKEWARD_COLUMN_BITS 12
#define LAKEWARD_COLUMN_MASK ((1u << LAKEWARD_COLUMN_BITS) - 1)

typedef struct {
  size_t first_node; /* of this tree in `nodes` and `values` */
  uint32_t depth;    /* splits on the longest path */
} lakeward_tree;

/* A forest in flat arrays, which the caller owns. Column c < features of a node reads feature c with missing sorted
   below everything (missing goes left); column features + c reads it with missing above everything (goes right). */
typedef struct {
  const lakeward_node *nodes;
  const float *values; /* leaf values by node */
  const lakeward_tree *trees;
  size_t tree_count;
  size_t features;
  float base;
} lakeward_forest;

/* margins[r] = base + sum over trees of the leaf of row r, in float32 in the order of the trees, as XGBoost sums.
   `rows` is row-major with NaN for missing. Thread-safe; needs features <= 2048. */
void lakeward_forest_margins(const lakeward_forest *forest, const float *rows, size_t count, float *margins);

#endif
