#include "tree_shap.h"

#include <float.h>

#pragma STDC FP_CONTRACT OFF

#define POINTS 4
#define NAMED(name) name##_4
#include "tree_shap_body.h"
#undef POINTS
#undef NAMED

#define POINTS 8
#define NAMED(name) name##_8
#include "tree_shap_body.h"
#undef POINTS
#undef NAMED

#define POINTS 16
#define NAMED(name) name##_16
#include "tree_shap_body.h"
#undef POINTS
#undef NAMED

size_t lakeward_tree_shap_scratch(const lakeward_shap_forest *forest) {
  size_t nodes = forest->most_splits + 1;
  return (3 * nodes + forest->features) * forest->points * sizeof(float) + nodes;
}

void lakeward_tree_shap(const lakeward_shap_forest *forest, const float *rows, size_t count, float *contributions,
                        void *scratch) {
  for (size_t r = 0; r < count; r++) {
    const float *row = rows + r * forest->features;
    float *own = contributions + r * (forest->features + 1);
    switch (forest->points) {
    case 4: explain_row_4(forest, row, own, scratch); break;
    case 8: explain_row_8(forest, row, own, scratch); break;
    default: explain_row_16(forest, row, own, scratch); break;
    }
  }
}
