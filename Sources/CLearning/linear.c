#include "linear.h"

#include <math.h>
#include <string.h>

static double margin_of(const double *row, const double *coefficients, size_t width) {
  double margin = 0;
  for (size_t c = 0; c < width; c++) margin += row[c] * coefficients[c];
  return margin;
}

/* log(1 + exp(m)) without overflow. */
static double softplus(double m) { return m > 0 ? m + log1p(exp(-m)) : log1p(exp(m)); }

double lakeward_logistic_loss(const double *rows, const double *labels, const double *weights, size_t count,
                              size_t width, const double *coefficients) {
  double loss = 0;
  for (size_t r = 0; r < count; r++) {
    double margin = margin_of(rows + r * width, coefficients, width);
    loss += weights[r] * (softplus(margin) - labels[r] * margin);
  }
  return loss;
}

double lakeward_logistic_sums(const double *restrict rows, const double *restrict labels,
                              const double *restrict weights, size_t count, size_t width,
                              const double *restrict coefficients, double *restrict gradient,
                              double *restrict hessian) {
  double loss = 0;
  memset(gradient, 0, width * sizeof(double));
  memset(hessian, 0, width * width * sizeof(double));
  for (size_t r = 0; r < count; r++) {
    const double *row = rows + r * width;
    double margin = margin_of(row, coefficients, width);
    double probability = 1 / (1 + exp(-margin));
    double error = weights[r] * (probability - labels[r]);
    double curvature = weights[r] * probability * (1 - probability);
    loss += weights[r] * (softplus(margin) - labels[r] * margin);
    for (size_t i = 0; i < width; i++) {
      gradient[i] += error * row[i];
      double scaled = curvature * row[i];
      double *line = hessian + i * width;
      for (size_t j = 0; j <= i; j++) line[j] += scaled * row[j];
    }
  }
  return loss;
}

void lakeward_linear_probabilities(const float *rows, size_t count, size_t width, const float *coefficients,
                                   const float *fills, float intercept, float *probabilities) {
  for (size_t r = 0; r < count; r++) {
    const float *row = rows + r * width;
    float margin = intercept;
    for (size_t c = 0; c < width; c++) {
      float x = row[c];
      margin += coefficients[c] * (x != x ? fills[c] : x);
    }
    probabilities[r] = 1 / (1 + expf(-margin));
  }
}
