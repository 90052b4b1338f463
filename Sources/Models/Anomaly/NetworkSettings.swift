/// The shape and training of a network that reconstructs readings.
public struct NetworkSettings: Sendable, Hashable, Codable {
  /// Units of the hidden layers, or cells of an LSTM.
  public var hidden: Int
  /// Units of the narrowest layer of a dense autoencoder: what a reading must pass through.
  public var code: Int
  /// Readings in a sequence; 1 for a dense autoencoder.
  public var steps: Int
  /// Passes over the training rows.
  public var epochs: Int
  /// Rows between two steps of Adam.
  public var batch: Int
  /// Adam's step size; it falls to a tenth in the course of the training.
  public var learningRate = 0.003
  /// Most rows to learn from; of more, a sample is drawn.
  public var rows: Int

  /// A dense autoencoder with layers of 24, 2 and 24 units. Through a wider middle the vital signs of the ill pass too.
  public static let autoencoder = NetworkSettings(hidden: 24, code: 2, steps: 1, epochs: 30, batch: 128, rows: 60_000)
  /// An LSTM autoencoder of 4 cells over 12 readings; more cells can carry any level that lasts, an ill one too.
  public static let lstm = NetworkSettings(hidden: 4, code: 4, steps: 12, epochs: 16, batch: 64, rows: 20_000)

  init(hidden: Int, code: Int, steps: Int, epochs: Int, batch: Int, rows: Int) {
    self.hidden = hidden
    self.code = code
    self.steps = steps
    self.epochs = epochs
    self.batch = batch
    self.rows = rows
  }

  /// Takes settings by name: hidden, code, steps, epochs, batch, learning_rate, rows. Throws `invalidSpecification`
  /// otherwise.
  public mutating func set(_ parameters: [String: Double]) throws(ModelError) {
    for (name, value) in parameters.sorted(by: { $0.key < $1.key }) {
      switch name {
      case "hidden": hidden = wholeNumber(value)
      case "code": code = wholeNumber(value)
      case "steps": steps = wholeNumber(value)
      case "epochs": epochs = wholeNumber(value)
      case "batch": batch = wholeNumber(value)
      case "learning_rate": learningRate = value
      case "rows": rows = wholeNumber(value)
      default:
        throw ModelError(
          .invalidSpecification, "a network has no parameter \(name)",
          hint: "use hidden, code, steps, epochs, batch, learning_rate or rows")
      }
    }
    guard
      (1...512).contains(hidden), (1...512).contains(code), (1...256).contains(steps), (1...10_000).contains(epochs),
      (1...100_000).contains(batch), learningRate > 0, learningRate <= 1, (10...100_000_000).contains(rows)
    else {
      throw ModelError(
        .invalidSpecification, "a network's settings are out of range",
        hint: "use 1 to 512 hidden units, 1 to 256 steps, 1 to 10000 epochs, and a learning rate up to 1")
    }
  }

  var parameters: [String: Double] {
    [
      "hidden": Double(hidden), "code": Double(code), "steps": Double(steps), "epochs": Double(epochs),
      "batch": Double(batch), "learning_rate": learningRate, "rows": Double(rows),
    ]
  }
}
