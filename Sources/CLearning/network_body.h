/* The networks for one type of number; included by network.c once for each. */

#if defined(__x86_64__) && defined(__linux__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

/* out (rows, to) += in (rows, from) times weights (from, to). */
WIDE static void KIND(add_product)(const REAL *restrict in, const REAL *restrict weights, size_t rows, size_t from,
                                   size_t to, REAL *restrict out) {
  for (size_t r = 0; r < rows; r++) {
    REAL *restrict line = out + r * to;
    for (size_t k = 0; k < from; k++) {
      REAL x = in[r * from + k];
      const REAL *restrict w = weights + k * to;
      for (size_t j = 0; j < to; j++) line[j] += x * w[j];
    }
  }
}

/* out (from, to) += transposed in (rows, from) times delta (rows, to): the gradient of weights. */
WIDE static void KIND(add_outer)(const REAL *restrict in, const REAL *restrict delta, size_t rows, size_t from,
                                 size_t to, REAL *restrict out) {
  for (size_t r = 0; r < rows; r++) {
    const REAL *restrict d = delta + r * to;
    for (size_t k = 0; k < from; k++) {
      REAL x = in[r * from + k];
      REAL *restrict line = out + k * to;
      for (size_t j = 0; j < to; j++) line[j] += x * d[j];
    }
  }
}

WIDE static void KIND(add_columns)(const REAL *restrict delta, size_t rows, size_t to, REAL *restrict out) {
  for (size_t r = 0; r < rows; r++)
    for (size_t j = 0; j < to; j++) out[j] += delta[r * to + j];
}

static void KIND(repeat)(const REAL *restrict line, size_t rows, size_t to, REAL *restrict out) {
  for (size_t r = 0; r < rows; r++) memcpy(out + r * to, line, to * sizeof(REAL));
}

static void KIND(transpose)(const REAL *restrict matrix, size_t from, size_t to, REAL *restrict out) {
  for (size_t k = 0; k < from; k++)
    for (size_t j = 0; j < to; j++) out[j * from + k] = matrix[k * to + j];
}

WIDE static void KIND(tanh_all)(REAL *restrict values, size_t count) {
  for (size_t i = 0; i < count; i++) values[i] = 1 - 2 / (EXP(2 * values[i]) + 1);
}

WIDE static void KIND(fill_missing)(const REAL *restrict rows, size_t count, REAL *restrict out) {
  for (size_t i = 0; i < count; i++) out[i] = rows[i] != rows[i] ? 0 : rows[i];
}

/* Turns a reconstruction into its derivative of the mean squared error; returns the error. */
static double KIND(squared_error)(const REAL *rows, REAL *reconstruction, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    REAL error = rows[i] != rows[i] ? 0 : reconstruction[i] - rows[i];
    sum += (double)error * (double)error;
    reconstruction[i] = 2 * error / (REAL)count;
  }
  return sum / (double)count;
}

static void KIND(subtract)(const REAL *rows, const REAL *reconstruction, size_t count, REAL *residuals) {
  for (size_t i = 0; i < count; i++) residuals[i] = reconstruction[i] - rows[i];
}

/* MARK: dense */

/* Fills activations[0...4]; returns what is behind them in scratch. */
static REAL *KIND(dense_forward)(lakeward_network s, const REAL *parameters, const REAL *rows, size_t count,
                                 REAL *scratch, REAL *activations[5]) {
  size_t sizes[5] = {s.inputs, s.hidden, s.code, s.hidden, s.inputs};
  for (int layer = 0; layer < 5; layer++) {
    activations[layer] = scratch;
    scratch += count * sizes[layer];
  }
  KIND(fill_missing)(rows, count * s.inputs, activations[0]);
  for (int layer = 0; layer < 4; layer++) {
    size_t from = sizes[layer], to = sizes[layer + 1];
    KIND(repeat)(parameters + from * to, count, to, activations[layer + 1]);
    KIND(add_product)(activations[layer], parameters, count, from, to, activations[layer + 1]);
    if (layer < 3) KIND(tanh_all)(activations[layer + 1], count * to);
    parameters += from * to + to;
  }
  return scratch;
}

double KIND(lakeward_autoencoder_gradient)(lakeward_network s, const REAL *parameters, const REAL *rows, size_t count,
                                           REAL *gradient, REAL *scratch) {
  size_t sizes[5] = {s.inputs, s.hidden, s.code, s.hidden, s.inputs};
  REAL *activations[5];
  REAL *rest = KIND(dense_forward)(s, parameters, rows, count, scratch, activations);
  memset(gradient, 0, lakeward_autoencoder_parameters(s) * sizeof(REAL));
  double loss = KIND(squared_error)(rows, activations[4], count * s.inputs);
  REAL *delta = activations[4];
  size_t end = lakeward_autoencoder_parameters(s);
  for (int layer = 3; layer >= 0; layer--) {
    size_t from = sizes[layer], to = sizes[layer + 1];
    end -= from * to + to;
    KIND(add_outer)(activations[layer], delta, count, from, to, gradient + end);
    KIND(add_columns)(delta, count, to, gradient + end + from * to);
    if (layer == 0) break;
    REAL *before = rest;
    rest += count * from;
    REAL *turned = rest;
    KIND(transpose)(parameters + end, from, to, turned);
    memset(before, 0, count * from * sizeof(REAL));
    KIND(add_product)(delta, turned, count, to, from, before);
    for (size_t i = 0; i < count * from; i++) before[i] *= 1 - activations[layer][i] * activations[layer][i];
    delta = before;
  }
  return loss;
}

void KIND(lakeward_autoencoder_residuals)(lakeward_network s, const REAL *parameters, const REAL *rows, size_t count,
                                          REAL *residuals, REAL *scratch) {
  REAL *activations[5];
  KIND(dense_forward)(s, parameters, rows, count, scratch, activations);
  KIND(subtract)(rows, activations[4], count * s.inputs, residuals);
}

/* MARK: LSTM */

/* Gates in place from their sums, then cells and outputs of one step. */
WIDE static void KIND(lstm_cells)(size_t count, size_t hidden, REAL *restrict gates, const REAL *restrict cells_before,
                                  REAL *restrict cells, REAL *restrict outputs) {
  for (size_t r = 0; r < count; r++) {
    REAL *restrict g = gates + r * 4 * hidden;
    for (size_t j = 0; j < 2 * hidden; j++) g[j] = 1 / (1 + EXP(-g[j]));
    for (size_t j = 2 * hidden; j < 3 * hidden; j++) g[j] = 1 - 2 / (EXP(2 * g[j]) + 1);
    for (size_t j = 3 * hidden; j < 4 * hidden; j++) g[j] = 1 / (1 + EXP(-g[j]));
    const REAL *restrict before = cells_before + r * hidden;
    REAL *restrict c = cells + r * hidden;
    REAL *restrict out = outputs + r * hidden;
    for (size_t j = 0; j < hidden; j++) {
      c[j] = g[hidden + j] * before[j] + g[j] * g[2 * hidden + j];
      out[j] = g[3 * hidden + j] * (1 - 2 / (EXP(2 * c[j]) + 1));
    }
  }
}

/* From the derivatives of a step's outputs and (in/out) cells to those of its gates' sums. */
WIDE static void KIND(lstm_back)(size_t count, size_t hidden, const REAL *restrict gates,
                                 const REAL *restrict cells_before, const REAL *restrict cells,
                                 const REAL *restrict output_delta, REAL *restrict cell_delta,
                                 REAL *restrict gate_delta) {
  for (size_t r = 0; r < count; r++) {
    const REAL *restrict g = gates + r * 4 * hidden;
    const REAL *restrict before = cells_before + r * hidden;
    const REAL *restrict c = cells + r * hidden;
    const REAL *restrict dout = output_delta + r * hidden;
    REAL *restrict dc = cell_delta + r * hidden;
    REAL *restrict dg = gate_delta + r * 4 * hidden;
    for (size_t j = 0; j < hidden; j++) {
      REAL in = g[j], forget = g[hidden + j], candidate = g[2 * hidden + j], out = g[3 * hidden + j];
      REAL t = 1 - 2 / (EXP(2 * c[j]) + 1);
      REAL d = dc[j] + dout[j] * out * (1 - t * t);
      dg[j] = d * candidate * in * (1 - in);
      dg[hidden + j] = d * before[j] * forget * (1 - forget);
      dg[2 * hidden + j] = d * in * (1 - candidate * candidate);
      dg[3 * hidden + j] = dout[j] * t * out * (1 - out);
      dc[j] = d * forget;
    }
  }
}

/* Where everything of a pass lies: inputs by step, gates, cells and outputs of both sides by step (step 0 is the state
   before the first reading), and the reconstruction. */
typedef struct {
  REAL *inputs, *gates[2], *cells[2], *outputs[2], *reconstruction, *code_sums, *zeros, *rest;
} KIND(lstm_pass);

typedef struct {
  const REAL *in_weights, *out_weights, *biases;
} KIND(lstm_side);

static void KIND(lstm_sides)(lakeward_network s, const REAL *p, KIND(lstm_side) sides[2], const REAL **last) {
  size_t gates = 4 * s.hidden;
  for (int side = 0; side < 2; side++) {
    size_t from = side == 0 ? s.inputs : s.hidden;
    sides[side].in_weights = p;
    sides[side].out_weights = p + from * gates;
    sides[side].biases = p + (from + s.hidden) * gates;
    p += (from + s.hidden + 1) * gates;
  }
  *last = p;
}

static KIND(lstm_pass) KIND(lstm_forward)(lakeward_network s, const REAL *parameters, const REAL *rows, size_t count,
                                          REAL *scratch) {
  size_t hidden = s.hidden, gates = 4 * hidden, steps = s.steps;
  KIND(lstm_pass) pass;
  pass.inputs = scratch;
  scratch += steps * count * s.inputs;
  for (int side = 0; side < 2; side++) {
    pass.gates[side] = scratch;
    scratch += steps * count * gates;
    pass.cells[side] = scratch;
    scratch += steps * count * hidden;
    pass.outputs[side] = scratch;
    scratch += steps * count * hidden;
  }
  pass.reconstruction = scratch;
  scratch += steps * count * s.inputs;
  pass.code_sums = scratch;
  scratch += count * gates;
  pass.zeros = scratch;
  scratch += count * hidden;
  pass.rest = scratch;
  memset(pass.zeros, 0, count * hidden * sizeof(REAL));

  /* Rows hold their steps one after another; the passes want a step's rows together. */
  for (size_t t = 0; t < steps; t++)
    for (size_t r = 0; r < count; r++)
      KIND(fill_missing)(rows + (r * steps + t) * s.inputs, s.inputs, pass.inputs + (t * count + r) * s.inputs);

  KIND(lstm_side) sides[2];
  const REAL *last;
  KIND(lstm_sides)(s, parameters, sides, &last);
  for (int side = 0; side < 2; side++) {
    if (side == 1) {
      const REAL *code = pass.outputs[0] + (steps - 1) * count * hidden;
      KIND(repeat)(sides[1].biases, count, gates, pass.code_sums);
      KIND(add_product)(code, sides[1].in_weights, count, hidden, gates, pass.code_sums);
    }
    for (size_t t = 0; t < steps; t++) {
      REAL *g = pass.gates[side] + t * count * gates;
      const REAL *out_before = t == 0 ? pass.zeros : pass.outputs[side] + (t - 1) * count * hidden;
      const REAL *cells_before = t == 0 ? pass.zeros : pass.cells[side] + (t - 1) * count * hidden;
      if (side == 0) {
        KIND(repeat)(sides[0].biases, count, gates, g);
        KIND(add_product)(pass.inputs + t * count * s.inputs, sides[0].in_weights, count, s.inputs, gates, g);
      } else {
        memcpy(g, pass.code_sums, count * gates * sizeof(REAL));
      }
      if (t > 0) KIND(add_product)(out_before, sides[side].out_weights, count, hidden, gates, g);
      KIND(lstm_cells)(count, hidden, g, cells_before, pass.cells[side] + t * count * hidden,
                       pass.outputs[side] + t * count * hidden);
    }
  }
  KIND(repeat)(last + hidden * s.inputs, steps * count, s.inputs, pass.reconstruction);
  KIND(add_product)(pass.outputs[1], last, steps * count, hidden, s.inputs, pass.reconstruction);
  return pass;
}

double KIND(lakeward_lstm_gradient)(lakeward_network s, const REAL *parameters, const REAL *rows, size_t count,
                                    REAL *gradient, REAL *scratch) {
  size_t hidden = s.hidden, gates = 4 * hidden, steps = s.steps;
  KIND(lstm_pass) pass = KIND(lstm_forward)(s, parameters, rows, count, scratch);
  memset(gradient, 0, lakeward_lstm_parameters(s) * sizeof(REAL));
  KIND(lstm_side) sides[2], slopes[2];
  const REAL *last, *last_slopes;
  KIND(lstm_sides)(s, parameters, sides, &last);
  KIND(lstm_sides)(s, gradient, slopes, &last_slopes);

  /* The rows' NaN say what is missing; the reconstruction is ordered by step. */
  double loss = 0;
  REAL *error = pass.reconstruction;
  REAL share = (REAL)1 / (REAL)(steps * count * s.inputs);
  for (size_t t = 0; t < steps; t++)
    for (size_t r = 0; r < count; r++)
      for (size_t j = 0; j < s.inputs; j++) {
        REAL x = rows[(r * steps + t) * s.inputs + j];
        REAL *e = error + (t * count + r) * s.inputs + j;
        REAL difference = x != x ? 0 : *e - x;
        loss += (double)difference * (double)difference;
        *e = 2 * difference * share;
      }
  loss /= (double)(steps * count * s.inputs);

  REAL *scratch_left = pass.rest;
  REAL *turned_last = scratch_left; /* (inputs, hidden) */
  REAL *turned[2];
  REAL *turned_code;
  scratch_left += s.inputs * hidden;
  for (int side = 0; side < 2; side++) {
    turned[side] = scratch_left; /* (4 hidden, hidden) */
    scratch_left += gates * hidden;
    KIND(transpose)(sides[side].out_weights, hidden, gates, turned[side]);
  }
  REAL *output_delta = scratch_left;
  REAL *cell_delta = output_delta + count * hidden;
  REAL *gate_delta = cell_delta + count * hidden;
  REAL *code_delta = gate_delta + count * gates;
  KIND(transpose)(last, hidden, s.inputs, turned_last);
  KIND(add_outer)(pass.outputs[1], error, steps * count, hidden, s.inputs, (REAL *)last_slopes);
  KIND(add_columns)(error, steps * count, s.inputs, (REAL *)last_slopes + hidden * s.inputs);
  /* The sum over the steps of the decoder's gate deltas, in place of the sums that are no longer needed. */
  REAL *gate_total = pass.code_sums;
  memset(gate_total, 0, count * gates * sizeof(REAL));

  for (int side = 1; side >= 0; side--) {
    memset(cell_delta, 0, count * hidden * sizeof(REAL));
    memset(output_delta, 0, count * hidden * sizeof(REAL));
    if (side == 0) memcpy(output_delta, code_delta, count * hidden * sizeof(REAL));
    for (size_t step = steps; step-- > 0;) {
      const REAL *cells_before = step == 0 ? pass.zeros : pass.cells[side] + (step - 1) * count * hidden;
      if (side == 1)
        KIND(add_product)(error + step * count * s.inputs, turned_last, count, s.inputs, hidden, output_delta);
      KIND(lstm_back)(count, hidden, pass.gates[side] + step * count * gates, cells_before,
                      pass.cells[side] + step * count * hidden, output_delta, cell_delta, gate_delta);
      if (step > 0)
        KIND(add_outer)(pass.outputs[side] + (step - 1) * count * hidden, gate_delta, count, hidden, gates,
                        (REAL *)slopes[side].out_weights);
      KIND(add_columns)(gate_delta, count, gates, (REAL *)slopes[side].biases);
      if (side == 0)
        KIND(add_outer)(pass.inputs + step * count * s.inputs, gate_delta, count, s.inputs, gates,
                        (REAL *)slopes[0].in_weights);
      else
        for (size_t i = 0; i < count * gates; i++) gate_total[i] += gate_delta[i];
      memset(output_delta, 0, count * hidden * sizeof(REAL));
      KIND(add_product)(gate_delta, turned[side], count, gates, hidden, output_delta);
    }
    if (side == 1) {
      const REAL *code = pass.outputs[0] + (steps - 1) * count * hidden;
      KIND(add_outer)(code, gate_total, count, hidden, gates, (REAL *)slopes[1].in_weights);
      turned_code = turned[1];
      KIND(transpose)(sides[1].in_weights, hidden, gates, turned_code);
      memset(code_delta, 0, count * hidden * sizeof(REAL));
      KIND(add_product)(gate_total, turned_code, count, gates, hidden, code_delta);
    }
  }
  return loss;
}

void KIND(lakeward_lstm_residuals)(lakeward_network s, const REAL *parameters, const REAL *rows, size_t count,
                                   REAL *residuals, REAL *scratch) {
  KIND(lstm_pass) pass = KIND(lstm_forward)(s, parameters, rows, count, scratch);
  for (size_t t = 0; t < s.steps; t++)
    for (size_t r = 0; r < count; r++)
      KIND(subtract)(rows + (r * s.steps + t) * s.inputs, pass.reconstruction + (t * count + r) * s.inputs, s.inputs,
                     residuals + (r * s.steps + t) * s.inputs);
}
