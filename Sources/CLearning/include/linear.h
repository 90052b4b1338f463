#ifndef LAKEWARD_LINEAR_H
#define LAKEWARD_LINEAR_H

#include <stddef.h>

/* One step's sums of a logistic regression over `count` rows of `width` values (row-major, no missing values).

   labels[r] is 0 or 1, weights[r] how much a row counts. Writes the gradient (width values) and the lower triangle of
   the Hessian (width * width, row-major) of the negative log-likelihood, and returns it. Sums run in row order, so the
   same rows give the same bits. */
double lakeward_logistic_sums(const double *rows, const double *labels, const double *weights, size_t count,
                              size_t width, const double *coefficients, double *gradient, double *hessian);

/* The negative log-likelihood alone. */
double lakeward_logistic_loss(const double *rows, const double *labels, const double *weights, size_t count,
                              size_t width, const double *coefficients);

/* probabilities[r] = 1 / (1 + exp(-(intercept + sum of coefficients[c] * rows[r][c]))), where NaN counts as fills[c]. */
void lakeward_linear_probabilities(const float *rows, size_t count, size_t width, const float *coefficients,
                                   const float *fills, float intercept, float *probabilities);

#endif
