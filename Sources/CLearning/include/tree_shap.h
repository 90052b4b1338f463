#ifndef LAKEWARD_TREE_SHAP_H
#define LAKEWARD_TREE_SHAP_H

#include <stddef.h>
#include <stdint.h>

/* Path-dependent TreeSHAP (Lundberg 2018) for many rows.

   On the way to a leaf stand d different features. For one row, each either leads there (all its splits on the way point
   to the leaf) or does not; z is the share of training rows that its splits let through. If O is the set of features that
   lead there, U(O) = sum over S in O of |S|! (d-|S|-1)! / d! times the product of z over all features outside S, and v the
   leaf's value, then by the definition of Shapley's values the leaf adds

       v (1 - z_i) / z_i U(O without i)   to a feature i of O,
       -v U(O)                            to any other of the d.

   v U is tabulated for every set of a leaf, so that a row costs d look-ups per leaf. */

/* One feature on the way to a leaf. */
typedef struct {
  float low;  /* leads there for low <= x */
  float high; /* and x < high */
  float gain; /* (1 - z) / z */
  uint32_t feature;
  uint32_t missing; /* all bits set if a missing value leads there, else 0 */
} lakeward_shap_part;

typedef struct {
  size_t first_part; /* in parts, in the order of the bits of a set */
  size_t table;      /* in tables: 2^count numbers */
  uint32_t count;    /* d, 1 to 12 */
} lakeward_shap_leaf;

typedef struct {
  const lakeward_shap_leaf *leaves;
  const lakeward_shap_part *parts;
  const float *tables;
  size_t leaf_count;
  size_t features;
} lakeward_shap_forest;

/* Fills `table` (2^count numbers) with value * U for every set. */
void lakeward_shap_table(const double *shares, size_t count, double value, float *table);

/* Adds every leaf's part to contributions[r * (features + 1) + feature]. `rows` is row-major with NaN for missing.
   `scratch` has room for 32 * (3 * features + 1) numbers. Thread-safe. */
void lakeward_tree_shap(const lakeward_shap_forest *forest, const float *rows, size_t count, float *contributions,
                        float *scratch);

#endif
