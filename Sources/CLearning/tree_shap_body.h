/* One row, with POINTS points of the rule side by side in a vector. */

typedef float NAMED(points) __attribute__((vector_size(POINTS * sizeof(float))));

static void NAMED(explain_row)(const lakeward_shap_forest *forest, const float *x, float *contributions,
                               void *scratch) {
  typedef NAMED(points) points;
  points time, weight;
  for (size_t p = 0; p < POINTS; p++) {
    time[p] = forest->times[p];
    weight[p] = forest->weights[p];
  }
  const points rest = 1 - time, none = {0};
  /* o t and o of the split's feature above, left and right, by the way that x takes. */
  const points above_time[3] = {none, time, time}, left_time[3] = {none, time, none},
               right_time[3] = {none, none, time};
  const float above[3] = {0, 1, 1}, left[3] = {0, 1, 0}, right[3] = {0, 0, 1};
  static const uint8_t ways[4] = {LAKEWARD_SHAP_NOT_HERE, LAKEWARD_SHAP_RIGHT, LAKEWARD_SHAP_LEFT,
                                  LAKEWARD_SHAP_NOT_HERE};

  size_t nodes = forest->most_splits + 1;
  points *products = scratch;        /* above a split, its own feature's factor taken out; number 0 is for leaves */
  points *sums = products + nodes;   /* of the leaves below, without the factors above */
  points *inverse = sums + nodes;    /* 1 / the factor of the split's feature above */
  points *totals = inverse + nodes;  /* by feature */
  uint8_t *taken = (uint8_t *)(totals + forest->features);

  for (size_t f = 0; f < forest->features; f++) totals[f] = none;
  const lakeward_shap_split *splits = forest->splits - 1;
  for (size_t tree = 0; tree < forest->tree_count; tree++) {
    size_t count = forest->split_counts[tree];
    if (count > 0) products[1] = weight;
    for (size_t s = 1; s <= count; s++) {
      const lakeward_shap_split *split = splits + s;
      float value = x[split->feature] > FLT_MAX ? FLT_MAX : x[split->feature];
      unsigned below = (value < split->low) + (value < split->threshold) + (value < split->high);
      unsigned way = value != value ? split->missing : ways[below];
      taken[s] = (uint8_t)way;
      inverse[s] = 1 / (above_time[way] + split->share * rest);
      products[s] *= inverse[s];
      products[split->left] = products[s] * (left_time[way] + split->left_share * rest);
      products[split->right] = products[s] * (right_time[way] + split->right_share * rest);
    }
    sums[0] = none;
    for (size_t s = count; s >= 1; s--) {
      const lakeward_shap_split *split = splits + s;
      unsigned way = taken[s];
      points to_left = sums[split->left] + split->left_value;
      points to_right = sums[split->right] + split->right_value;
      points sum = inverse[s] * ((left_time[way] + split->left_share * rest) * to_left +
                                 (right_time[way] + split->right_share * rest) * to_right);
      sums[s] = sum;
      /* What the feature adds below with this split, less what it would add there without. */
      totals[split->feature] +=
          products[s] * ((left[way] - split->left_share) * to_left + (right[way] - split->right_share) * to_right -
                         (above[way] - split->share) * sum);
    }
    splits += count;
  }
  for (size_t f = 0; f < forest->features; f++)
    for (size_t p = 0; p < POINTS; p++) contributions[f] += totals[f][p];
}
