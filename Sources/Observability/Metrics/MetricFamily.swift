internal import Synchronization

/// One kind of metric: a counter, a gauge or a histogram.
public protocol MetricCell: AnyObject, Sendable {
  /// Appends the samples of this metric in Prometheus's text format.
  /// - Parameters:
  ///   - name: The family's name.
  ///   - labels: `name="value"` pairs, joined by commas; empty without labels.
  func write(name: String, labels: String, to text: inout String)
}

/// The metrics of one name, one for each combination of label values.
public final class MetricFamily<Metric: MetricCell>: MetricFamilyText {
  let name: String
  private let help: String
  private let type: String
  private let labelNames: [String]
  private let make: @Sendable () -> Metric
  private let cells = Mutex<[[String]: Metric]>([:])

  /// More combinations than this share one metric whose labels are all `_other`, so that memory stays bounded.
  static var limit: Int { 2_000 }

  init(
    name: String, help: String, type: String, labelNames: [String], make: @escaping @Sendable () -> Metric
  ) {
    self.name = name
    self.help = help
    self.type = type
    self.labelNames = labelNames
    self.make = make
  }

  /// The metric with these label values, in the order of the label names; missing ones are empty. Worth keeping: the
  /// look-up takes a lock.
  public subscript(values: String...) -> Metric { metric(values) }

  /// The metric with these label values.
  public func metric(_ values: [String]) -> Metric {
    var key = Array(values.prefix(labelNames.count))
    while key.count < labelNames.count { key.append("") }
    return cells.withLock { cells in
      if let cell = cells[key] { return cell }
      if cells.count >= Self.limit { key = labelNames.map { _ in "_other" } }
      if let cell = cells[key] { return cell }
      let cell = make()
      cells[key] = cell
      return cell
    }
  }

  /// Forgets the metrics whose label of that name has this value, such as a table that is gone.
  public func remove(_ label: String, _ value: String) {
    guard let index = labelNames.firstIndex(of: label) else { return }
    cells.withLock { cells in cells = cells.filter { $0.key[index] != value } }
  }

  /// Every combination of label values that there is, with its metric.
  public var all: [(labels: [String], metric: Metric)] {
    cells.withLock { $0.map { ($0.key, $0.value) } }.sorted { $0.labels.lexicographicallyPrecedes($1.labels) }
  }

  func write(to text: inout String) {
    let all = all
    guard !all.isEmpty else { return }
    text += "# HELP \(name) \(MetricText.help(help))\n# TYPE \(name) \(type)\n"
    for (values, cell) in all {
      let labels = zip(labelNames, values).map { "\($0)=\"\(MetricText.label($1))\"" }
      cell.write(name: name, labels: labels.joined(separator: ","), to: &text)
    }
  }
}

/// Prometheus's text format 0.0.4 (prometheus.io, "Exposition formats").
enum MetricText {
  /// A label's value: backslash, quote and line end are escaped.
  static func label(_ value: String) -> String { escaped(value, quote: true) }

  /// A help text: backslash and line end are escaped.
  static func help(_ value: String) -> String { escaped(value, quote: false) }

  /// A sample line.
  static func sample(_ name: String, _ labels: String, _ value: Double) -> String {
    labels.isEmpty ? "\(name) \(number(value))\n" : "\(name){\(labels)} \(number(value))\n"
  }

  /// A number as Go's ParseFloat takes it; whole numbers without a fraction.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if value == value.rounded(), abs(value) < 9e15 { return String(Int64(value)) }
    return "\(value)"
  }

  private static func escaped(_ value: String, quote: Bool) -> String {
    var result = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quote: result += "\\\""
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
