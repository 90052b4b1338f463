#ifndef LAKEWARD_NETWORK_H
#define LAKEWARD_NETWORK_H

#include <stddef.h>

/* Two small networks that reconstruct their input. Rows are row-major with NaN for missing: a missing value enters as 0
   and its error does not count. Both exist in float (for use) and double (for checking gradients numerically). Sums run
   in a fixed order without fused operations, so the same numbers give the same bits on every x86-64 machine.

   An autoencoder has layers of inputs, hidden, code, hidden and inputs units, with tanh between them. Its parameters lie
   one after another: weights (from, to) and biases of each layer.

   An LSTM autoencoder reads `steps` readings with one LSTM of `hidden` cells; its last output is given to every step of
   a second LSTM, from whose outputs a linear layer makes the readings again. Parameters: encoder's weights of inputs
   (inputs, 4 hidden) and of outputs (hidden, 4 hidden), its biases (4 hidden), the decoder's likewise with `hidden`
   inputs, the last layer's weights (hidden, inputs) and biases. Gates in the order input, forget, candidate, output. */

typedef struct {
  size_t inputs;
  size_t hidden;
  size_t code;  /* of an autoencoder */
  size_t steps; /* of an LSTM autoencoder, else 1 */
} lakeward_network;

size_t lakeward_autoencoder_parameters(lakeward_network shape);
size_t lakeward_lstm_parameters(lakeward_network shape);

/* Numbers of scratch memory that the functions below need for `count` rows. */
size_t lakeward_autoencoder_scratch(lakeward_network shape, size_t count);
size_t lakeward_lstm_scratch(lakeward_network shape, size_t count);

#define LAKEWARD_NETWORK_FUNCTIONS(REAL, KIND)                                                                        \
  /* Mean squared error of the reconstruction over all values of `count` rows; overwrites `gradient`. */              \
  double lakeward_autoencoder_gradient_##KIND(lakeward_network shape, const REAL *parameters, const REAL *rows,       \
                                              size_t count, REAL *gradient, REAL *scratch);                           \
  double lakeward_lstm_gradient_##KIND(lakeward_network shape, const REAL *parameters, const REAL *rows,              \
                                       size_t count, REAL *gradient, REAL *scratch);                                  \
  /* residuals[i] = reconstruction - row, NaN where the row is NaN. */                                                \
  void lakeward_autoencoder_residuals_##KIND(lakeward_network shape, const REAL *parameters, const REAL *rows,        \
                                             size_t count, REAL *residuals, REAL *scratch);                           \
  void lakeward_lstm_residuals_##KIND(lakeward_network shape, const REAL *parameters, const REAL *rows, size_t count, \
                                      REAL *residuals, REAL *scratch);

LAKEWARD_NETWORK_FUNCTIONS(float, float)
LAKEWARD_NETWORK_FUNCTIONS(double, double)

/* One step of Adam (Kingma and Ba 2015) with its usual decays, `step` counted from 1. */
void lakeward_adam(float *parameters, const float *gradient, float *first_moment, float *second_moment, size_t count,
                   float rate, size_t step);

#endif
