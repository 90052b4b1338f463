/// A model with its calibration and threshold: what scores records, explains them, and is asked by the API.
public struct Scorer: Sendable {
  /// The model itself, whose scores are not calibrated.
  public let model: any Model
  /// Makes probabilities of the model's scores; nil takes them as they are.
  public let calibration: Calibration?

  /// Pairs a model with its calibration.
  public init(model: any Model, calibration: Calibration? = nil) {
    self.model = model
    self.calibration = calibration
  }

  /// Writes the calibrated scores of `rows`; shapes as in `Model.predict`.
  public func predict(_ rows: UnsafeBufferPointer<Float>, into scores: UnsafeMutableBufferPointer<Float>)
    throws(ModelError)
  {
    try model.predict(rows, into: scores)
    calibration?.apply(to: scores, outputs: model.outputs)
  }

  /// The calibrated scores of `rows` (row-major, `model.width` values per row), `model.outputs` for each row.
  public func predict(_ rows: [Float]) throws(ModelError) -> [Float] {
    var scores = try model.predict(rows)
    if let calibration {
      scores.withUnsafeMutableBufferPointer { calibration.apply(to: $0, outputs: model.outputs) }
    }
    return scores
  }

  /// Single readings (`features.count` values each) as rows of the model: a model of sequences is shown each alone, its
  /// earlier readings missing.
  public func rows(ofReadings readings: [Float]) -> [Float] {
    let count = model.features.count
    guard model.steps > 1, count > 0 else { return readings }
    let earlier = [Float](repeating: .nan, count: model.width - count)
    return stride(from: 0, to: readings.count, by: count).flatMap {
      earlier + readings[$0..<min($0 + count, readings.count)]
    }
  }

  /// The class with the highest probability for each row of `scores`.
  public static func classes(of scores: [Float], outputs: Int) -> [Int] {
    stride(from: 0, to: scores.count, by: outputs).map { start in
      var best = start
      for index in start..<start + outputs where scores[index] > scores[best] { best = index }
      return best - start
    }
  }
}
