internal import CLearning
internal import Foundation

/// One of the networks of `network.h`, without its parameters.
struct Network: Sendable {
  let isSequence: Bool
  private let shape: lakeward_network

  init(kind: ModelKind, inputs: Int, hidden: Int, code: Int, steps: Int) {
    isSequence = kind == .lstm
    shape = lakeward_network(inputs: max(0, inputs), hidden: max(0, hidden), code: max(0, code), steps: max(0, steps))
  }

  var parameterCount: Int { isSequence ? lakeward_lstm_parameters(shape) : lakeward_autoencoder_parameters(shape) }
  private var width: Int { shape.inputs * shape.steps }

  private func scratch(_ rows: Int) -> Int {
    isSequence ? lakeward_lstm_scratch(shape, rows) : lakeward_autoencoder_scratch(shape, rows)
  }

  /// Mean squared error and its gradient, in double precision: for checking the gradient numerically.
  func gradient(_ parameters: [Double], rows: [Double]) -> (loss: Double, gradient: [Double]) {
    let count = rows.count / width
    var gradient = [Double](repeating: 0, count: parameterCount)
    var memory = [Double](repeating: 0, count: scratch(count))
    let loss =
      isSequence
      ? lakeward_lstm_gradient_double(shape, parameters, rows, count, &gradient, &memory)
      : lakeward_autoencoder_gradient_double(shape, parameters, rows, count, &gradient, &memory)
    return (loss, gradient)
  }

  /// Reconstruction less `rows`, NaN where a value is missing.
  func residuals(_ rows: [Float], _ parameters: [Float]) -> [Float] {
    let block = 64
    let width = width
    return [Float](unsafeUninitializedCapacity: rows.count) { residuals, initialized in
      initialized = rows.count
      withUnsafeTemporaryAllocation(of: Float.self, capacity: scratch(block)) { memory in
        rows.withUnsafeBufferPointer { rows in
          for start in stride(from: 0, to: rows.count, by: block * width) {
            let count = min(block, (rows.count - start) / width)
            guard let source = rows.baseAddress?.advanced(by: start),
              let target = residuals.baseAddress?.advanced(by: start)
            else { continue }
            if isSequence {
              lakeward_lstm_residuals_float(shape, parameters, source, count, target, memory.baseAddress)
            } else {
              lakeward_autoencoder_residuals_float(shape, parameters, source, count, target, memory.baseAddress)
            }
          }
        }
      }
    }
  }

  /// Parameters after training on `rows` with Adam.
  func trained(
    _ rows: [Float], _ settings: NetworkSettings, seed: UInt64, progress: (Int, Double) -> Void
  ) -> [Float] {
    var generator = SeededGenerator(seed: seed, stream: 7)
    var parameters = initial(&generator)
    var gradient = [Float](repeating: 0, count: parameterCount)
    var firstMoment = gradient
    var secondMoment = gradient
    var order = Array(0..<rows.count / width)
    generator.shuffle(&order)
    order = Array(order.prefix(settings.rows))
    var memory = [Float](repeating: 0, count: scratch(settings.batch))
    var batch = [Float](repeating: 0, count: settings.batch * width)
    var step = 0
    let total = settings.epochs * ((order.count + settings.batch - 1) / settings.batch)
    for epoch in 0..<settings.epochs {
      generator.shuffle(&order)
      var loss = 0.0
      for start in stride(from: 0, to: order.count, by: settings.batch) {
        let chosen = order[start..<min(start + settings.batch, order.count)]
        gather(rows, chosen, into: &batch)
        let error =
          isSequence
          ? lakeward_lstm_gradient_float(shape, parameters, batch, chosen.count, &gradient, &memory)
          : lakeward_autoencoder_gradient_float(shape, parameters, batch, chosen.count, &gradient, &memory)
        loss += error * Double(chosen.count)
        step += 1
        let rate = settings.learningRate * pow(0.1, Double(step) / Double(max(1, total)))
        lakeward_adam(&parameters, gradient, &firstMoment, &secondMoment, parameterCount, Float(rate), step)
      }
      progress(epoch + 1, loss / Double(max(1, order.count)))
    }
    return parameters
  }

  private func gather(_ rows: [Float], _ chosen: ArraySlice<Int>, into batch: inout [Float]) {
    let width = width
    batch.withUnsafeMutableBufferPointer { batch in
      rows.withUnsafeBufferPointer { rows in
        for (place, row) in chosen.enumerated() {
          guard let target = batch.baseAddress?.advanced(by: place * width),
            let source = rows.baseAddress?.advanced(by: row * width)
          else { continue }
          target.update(from: source, count: width)
        }
      }
    }
  }

  /// Uniform numbers that keep a layer's variance (Glorot and Bengio 2010); biases 0, an LSTM's forget gate 1.
  private func initial(_ generator: inout SeededGenerator) -> [Float] {
    var parameters: [Float] = []
    func layer(_ from: Int, _ to: Int, units: Int) {
      let limit = (6 / Float(from + units)).squareRoot()
      for _ in 0..<from * to { parameters.append((2 * generator.unitFloat() - 1) * limit) }
    }
    let (inputs, hidden, code) = (shape.inputs, shape.hidden, shape.code)
    guard isSequence else {
      for (from, to) in [(inputs, hidden), (hidden, code), (code, hidden), (hidden, inputs)] {
        layer(from, to, units: to)
        parameters += [Float](repeating: 0, count: to)
      }
      return parameters
    }
    for from in [inputs, hidden] {
      layer(from, 4 * hidden, units: hidden)
      layer(hidden, 4 * hidden, units: hidden)
      parameters += (0..<4 * hidden).map { $0 / hidden == 1 ? 1 : 0 }
    }
    layer(hidden, inputs, units: inputs)
    parameters += [Float](repeating: 0, count: inputs)
    return parameters
  }
}
