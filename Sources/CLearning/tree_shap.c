#include "tree_shap.h"

#include <float.h>
#include <string.h>

#define BLOCK 32

void lakeward_shap_table(const double *shares, size_t count, double value, float *table) {
  /* w(s) = s! (d-s-1)! / d! for sets of s features. */
  double weights[13] = {0};
  weights[0] = 1.0 / (double)count;
  for (size_t s = 1; s < count; s++) weights[s] = weights[s - 1] * (double)s / (double)(count - s);
  size_t sets = (size_t)1 << count;
  double sums[1 << 12];
  for (size_t set = 0; set < sets; set++) {
    double product = 1;
    size_t members = 0;
    for (size_t i = 0; i < count; i++) {
      if (set >> i & 1)
        members++;
      else
        product *= shares[i];
    }
    sums[set] = members < count ? weights[members] * product : 0;
  }
  /* From each set to the sum over its subsets. */
  for (size_t i = 0; i < count; i++)
    for (size_t set = 0; set < sets; set++)
      if (set >> i & 1) sums[set] += sums[set ^ ((size_t)1 << i)];
  for (size_t set = 0; set < sets; set++) table[set] = (float)(value * sums[set]);
}

void lakeward_tree_shap(const lakeward_shap_forest *forest, const float *rows, size_t count, float *contributions,
                        float *scratch) {
  size_t features = forest->features;
  float *values = scratch;                     /* by feature, then row */
  uint32_t *missing = (uint32_t *)(scratch + BLOCK * features);
  float *sums = scratch + 2 * BLOCK * features; /* by feature, then row */
  for (size_t start = 0; start < count; start += BLOCK) {
    size_t here = count - start < BLOCK ? count - start : BLOCK;
    for (size_t f = 0; f < features; f++)
      for (size_t r = 0; r < BLOCK; r++) {
        /* Rows that are not there repeat the first; nobody reads their sums. */
        float x = rows[(start + (r < here ? r : 0)) * features + f];
        missing[f * BLOCK + r] = x != x ? 0xFFFFFFFFu : 0;
        values[f * BLOCK + r] = x > FLT_MAX ? FLT_MAX : x;
      }
    memset(sums, 0, BLOCK * features * sizeof(float));
    for (size_t l = 0; l < forest->leaf_count; l++) {
      const lakeward_shap_leaf *leaf = &forest->leaves[l];
      const lakeward_shap_part *parts = forest->parts + leaf->first_part;
      const float *table = forest->tables + leaf->table;
      uint32_t sets[BLOCK] = {0};
      for (uint32_t k = 0; k < leaf->count; k++) {
        float low = parts[k].low, high = parts[k].high;
        uint32_t through = parts[k].missing, bit = 1u << k;
        const float *x = values + parts[k].feature * BLOCK;
        const uint32_t *gone = missing + parts[k].feature * BLOCK;
        for (size_t r = 0; r < BLOCK; r++) {
          uint32_t inside = -(uint32_t)((x[r] >= low) & (x[r] < high));
          sets[r] |= (inside | (gone[r] & through)) & bit;
        }
      }
      for (uint32_t k = 0; k < leaf->count; k++) {
        float gain = parts[k].gain;
        uint32_t bit = 1u << k;
        float *sum = sums + parts[k].feature * BLOCK;
        for (size_t r = 0; r < BLOCK; r++) {
          float value = table[sets[r] & ~bit];
          sum[r] += sets[r] & bit ? gain * value : -value;
        }
      }
    }
    for (size_t r = 0; r < here; r++)
      for (size_t f = 0; f < features; f++) contributions[(start + r) * (features + 1) + f] += sums[f * BLOCK + r];
  }
}
