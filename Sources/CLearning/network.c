#include "network.h"

#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

size_t lakeward_autoencoder_parameters(lakeward_network s) {
  return 2 * (s.inputs * s.hidden + s.hidden * s.code) + 2 * s.hidden + s.code + s.inputs;
}

size_t lakeward_lstm_parameters(lakeward_network s) {
  return (s.inputs + s.hidden + 1) * 4 * s.hidden + (2 * s.hidden + 1) * 4 * s.hidden + (s.hidden + 1) * s.inputs;
}

size_t lakeward_autoencoder_scratch(lakeward_network s, size_t count) {
  /* Activations and their derivatives of five layers, and one transposed weight matrix. */
  size_t widest = s.hidden > s.inputs ? s.hidden : s.inputs;
  return count * 2 * (2 * s.inputs + 2 * s.hidden + s.code) + widest * (s.hidden > s.code ? s.hidden : s.code) * 2;
}

size_t lakeward_lstm_scratch(lakeward_network s, size_t count) {
  /* Per step and side: gates, cells, outputs; then inputs, reconstruction, derivatives, transposed weights. */
  return s.steps * count * (2 * 6 * s.hidden + 2 * s.inputs) + count * (14 * s.hidden + s.inputs) +
         8 * s.hidden * (s.hidden + s.inputs) + 16;
}

void lakeward_adam(float *restrict parameters, const float *restrict gradient, float *restrict first_moment,
                   float *restrict second_moment, size_t count, float rate, size_t step) {
  const float keep_first = 0.9f, keep_second = 0.999f;
  float first_bias = 1 - powf(keep_first, (float)step);
  float second_bias = 1 - powf(keep_second, (float)step);
  for (size_t i = 0; i < count; i++) {
    float g = gradient[i];
    first_moment[i] = keep_first * first_moment[i] + (1 - keep_first) * g;
    second_moment[i] = keep_second * second_moment[i] + (1 - keep_second) * g * g;
    parameters[i] -= rate * (first_moment[i] / first_bias) / (sqrtf(second_moment[i] / second_bias) + 1e-8f);
  }
}

/* exp to about 1e-7, in steps that the compiler turns into vector instructions. */
static inline float fast_exp(float x) {
  x = x < -87.0f ? -87.0f : (x > 87.0f ? 87.0f : x);
  float scaled = x * 1.44269504088896341f;
  int whole = (int)(scaled + (scaled < 0 ? -0.5f : 0.5f));
  float rest = (x - (float)whole * 0.693359375f) - (float)whole * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * rest + 1.3981999507e-3f;
  p = p * rest + 8.3334519073e-3f;
  p = p * rest + 4.1665795894e-2f;
  p = p * rest + 1.6666665459e-1f;
  p = p * rest + 5.0000001201e-1f;
  p = p * rest * rest + rest + 1.0f;
  union {
    int bits;
    float power;
  } two = {(whole + 127) << 23};
  return p * two.power;
}

#define REAL float
#define KIND(name) name##_float
#define EXP(x) fast_exp(x)
#include "network_body.h"
#undef REAL
#undef KIND
#undef EXP

#define REAL double
#define KIND(name) name##_double
#define EXP(x) exp(x)
#include "network_body.h"
