#ifndef LAKEWARD_TREE_SHAP_H
#define LAKEWARD_TREE_SHAP_H

#include <stddef.h>
#include <stdint.h>

/* Path-dependent TreeSHAP (Lundberg 2018) in time linear in the splits.

   For one row and one leaf with value v, let o be 1 for a feature on the leaf's path whose splits all point to the leaf and
   else 0, and z the share of training rows that the feature's splits let through. If every other feature takes part with
   probability t, the leaf's Shapley value of a feature i is an integral over t from 0 to 1,

       v (o_i - z_i) integral of the product over j != i of (o_j t + z_j (1 - t)),

   of a polynomial whose degree is the number of the other features. Gauss and Legendre's rule with half as many points as
   there are features is exact (as in Linear TreeSHAP, Yu 2022). The products of all leaves are made on one way down a tree
   and summed on one way up, all points at once. */

/* A split that is no leaf; a tree's splits stand parents before children, and are counted from 1. */
typedef struct {
  float low;       /* of the split's feature, the splits above it let low <= x < high through */
  float threshold; /* goes left for x < threshold */
  float high;
  uint32_t feature;
  uint32_t missing; /* where a missing value goes: LAKEWARD_SHAP_… */
  float share;      /* of training rows that the feature's splits above let through: 1 if there are none */
  float left_share; /* the same with this split */
  float right_share;
  uint32_t left; /* the number of a child, 0 for a leaf */
  uint32_t right;
  float left_value; /* of a leaf, else 0 */
  float right_value;
} lakeward_shap_split;

enum { LAKEWARD_SHAP_NOT_HERE, LAKEWARD_SHAP_LEFT, LAKEWARD_SHAP_RIGHT };

typedef struct {
  const lakeward_shap_split *splits; /* of one tree after another */
  const uint32_t *split_counts;      /* by tree */
  size_t tree_count;
  size_t most_splits; /* of a tree */
  size_t features;
  size_t points;        /* 4, 8 or 16: exact for twice as many features on one path */
  const float *times;   /* the rule's points in 0 to 1 */
  const float *weights; /* and their weights */
} lakeward_shap_forest;

/* Bytes of scratch memory that lakeward_tree_shap needs, aligned to 64. */
size_t lakeward_tree_shap_scratch(const lakeward_shap_forest *forest);

/* Adds every tree's part to contributions[r * (features + 1) + feature]. `rows` is row-major with NaN for missing.
   Thread-safe. */
void lakeward_tree_shap(const lakeward_shap_forest *forest, const float *rows, size_t count, float *contributions,
                        void *scratch);

#endif
