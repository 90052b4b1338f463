import CXGBoost
import Foundation

/// One XGBoost booster. XGBoost copies what it is given and keeps results in thread-local buffers, so results are
/// copied out before the next call of the same thread.
///
/// Prediction from dense rows needs no lock once the booster is configured ("Prediction" in XGBoost's guide);
/// training and parameters are for one thread, before the booster is shared.
final class Booster: @unchecked Sendable {
  private let handle: BoosterHandle

  /// "XGBoost 3.2.0", as loaded at run time.
  static let libraryVersion: String = {
    var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
    XGBoostVersion(&major, &minor, &patch)
    return "XGBoost \(major).\(minor).\(patch)"
  }()

  /// An untrained booster over `matrix`, which outlives training.
  init(training matrix: FeatureMatrix, parameters: [(name: String, value: String)]) throws(ModelError) {
    var created: BoosterHandle?
    var matrices: [DMatrixHandle?] = [matrix.handle]
    try check(XGBoosterCreate(&matrices, 1, &created), "creating a booster")
    handle = try unwrap(created, "creating a booster")
    for (name, value) in parameters {
      try check(XGBoosterSetParam(handle, name, value), "setting the parameter \(name)")
    }
  }

  /// A booster from the bytes of a model file in XGBoost's UBJSON or JSON format.
  init(model: [UInt8], threads: Int) throws(ModelError) {
    var created: BoosterHandle?
    try check(XGBoosterCreate(nil, 0, &created), "creating a booster")
    handle = try unwrap(created, "creating a booster")
    let status = model.withUnsafeBytes { XGBoosterLoadModelFromBuffer(handle, $0.baseAddress, UInt64($0.count)) }
    guard status == 0 else {
      throw ModelError(.corruptModel, "XGBoost cannot read the model: \(lastMessage())")
    }
    try check(XGBoosterSetParam(handle, "nthread", String(threads)), "setting the parameter nthread")
  }

  deinit {
    XGBoosterFree(handle)
  }

  /// One boosting round.
  func update(iteration: Int, matrix: FeatureMatrix) throws(ModelError) {
    try check(XGBoosterUpdateOneIter(handle, Int32(iteration), matrix.handle), "training")
  }

  func setFeatureNames(_ names: [String]) throws(ModelError) {
    try withCStrings(names) { pointers in
      XGBoosterSetStrFeatureInfo(handle, "feature_name", pointers, UInt64(names.count))
    }
  }

  /// The names stored in the model; empty when it was trained without names.
  func featureNames() throws(ModelError) -> [String] {
    var count: UInt64 = 0
    var names: UnsafeMutablePointer<UnsafePointer<CChar>?>?
    try check(XGBoosterGetStrFeatureInfo(handle, "feature_name", &count, &names), "reading the feature names")
    return (0..<Int(count)).compactMap { index in names?[index].map { String(cString: $0) } }
  }

  func featureCount() throws(ModelError) -> Int {
    var count: UInt64 = 0
    try check(XGBoosterGetNumFeature(handle, &count), "reading the number of features")
    return Int(count)
  }

  /// The model in UBJSON, the format of `model.ubj`.
  func serialized() throws(ModelError) -> [UInt8] {
    var length: UInt64 = 0
    var bytes: UnsafePointer<CChar>?
    try check(XGBoosterSaveModelToBuffer(handle, #"{"format":"ubj"}"#, &length, &bytes), "saving the model")
    return Array(UnsafeRawBufferPointer(start: bytes, count: Int(length)))
  }

  enum Output: Int {
    case prediction = 0
    case contributions = 2
  }

  /// Calls `body` with `outputs` values per row for `rows` (row-major, NaN for missing), without copying the rows.
  func predict<Result>(
    _ rows: UnsafeBufferPointer<Float>, columns: Int, outputs: Int, _ body: (UnsafeBufferPointer<Float>) -> Result
  ) throws(ModelError) -> Result {
    let count = columns == 0 ? 0 : rows.count / columns * outputs
    var shape: UnsafePointer<UInt64>?
    var dimensions: UInt64 = 0
    var values: UnsafePointer<Float>?
    try check(
      XGBoosterPredictFromDense(
        handle, arrayInterface(rows, columns: columns), Self.configuration(.prediction, inPlace: true), nil, &shape,
        &dimensions, &values),
      "predicting")
    return body(UnsafeBufferPointer(start: values, count: count))
  }

  /// TreeSHAP values, row-major with `columns + 1` per row and output; the last is the base value.
  func contributions(_ rows: UnsafeBufferPointer<Float>, columns: Int, outputs: Int) throws(ModelError) -> [Float] {
    let matrix = try FeatureMatrix(rows: rows, columns: columns, threads: 1)
    var shape: UnsafePointer<UInt64>?
    var dimensions: UInt64 = 0
    var values: UnsafePointer<Float>?
    try check(
      XGBoosterPredictFromDMatrix(
        handle, matrix.handle, Self.configuration(.contributions, inPlace: false), &shape, &dimensions, &values),
      "explaining")
    return Array(UnsafeBufferPointer(start: values, count: rows.count / columns * (columns + 1) * outputs))
  }

  /// Total gain of each feature that some split uses, by the feature's name or `f0`, `f1`, ….
  func gains() throws(ModelError) -> [String: Double] {
    var featureCount: UInt64 = 0
    var names: UnsafeMutablePointer<UnsafePointer<CChar>?>?
    var dimensions: UInt64 = 0
    var shape: UnsafePointer<UInt64>?
    var scores: UnsafePointer<Float>?
    try check(
      XGBoosterFeatureScore(
        handle, #"{"importance_type":"total_gain"}"#, &featureCount, &names, &dimensions, &shape, &scores),
      "reading the importance of the features")
    var gains: [String: Double] = [:]
    for index in 0..<Int(featureCount) {
      guard let name = names?[index], let score = scores?[index] else { continue }
      gains[String(cString: name)] = Double(score)
    }
    return gains
  }

  private static func configuration(_ output: Output, inPlace: Bool) -> String {
    let missing = inPlace ? #","missing":NaN,"cache_id":0"# : ""
    return #"{"type":\#(output.rawValue),"training":false,"iteration_begin":0,"iteration_end":0,"#
      + #""strict_shape":false\#(missing)}"#
  }
}

/// A dense matrix of features (and, for training, labels) inside XGBoost.
final class FeatureMatrix {
  fileprivate let handle: DMatrixHandle

  /// Copies `rows` (row-major, NaN for missing).
  init(rows: UnsafeBufferPointer<Float>, columns: Int, threads: Int) throws(ModelError) {
    var created: DMatrixHandle?
    try check(
      XGDMatrixCreateFromDense(
        arrayInterface(rows, columns: columns), #"{"missing":NaN,"nthread":\#(threads)}"#, &created),
      "reading the feature matrix")
    handle = try unwrap(created, "reading the feature matrix")
  }

  deinit {
    XGDMatrixFree(handle)
  }

  func setLabels(_ labels: [Float]) throws(ModelError) {
    try check(XGDMatrixSetFloatInfo(handle, "label", labels, UInt64(labels.count)), "setting the labels")
  }

  /// How much each row counts.
  func setWeights(_ weights: [Float]) throws(ModelError) {
    try check(XGDMatrixSetFloatInfo(handle, "weight", weights, UInt64(weights.count)), "setting the rows' weights")
  }

  func setFeatureNames(_ names: [String]) throws(ModelError) {
    try withCStrings(names) { pointers in
      XGDMatrixSetStrFeatureInfo(handle, "feature_name", pointers, UInt64(names.count))
    }
  }
}

/// NumPy's array interface (version 3) for row-major float32, as XGBoost's C API takes it.
private func arrayInterface(_ rows: UnsafeBufferPointer<Float>, columns: Int) -> String {
  let address = UInt(bitPattern: rows.baseAddress)
  let count = columns == 0 ? 0 : rows.count / columns
  return #"{"data":[\#(address),true],"shape":[\#(count),\#(columns)],"typestr":"<f4","version":3}"#
}

private func withCStrings(_ strings: [String], _ body: (UnsafeMutablePointer<UnsafePointer<CChar>?>?) -> Int32)
  throws(ModelError)
{
  let bytes = strings.map { Array($0.utf8CString) }
  let offsets = bytes.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
  let status = bytes.flatMap(\.self).withUnsafeBufferPointer { buffer in
    var pointers = offsets.dropLast().map { buffer.baseAddress?.advanced(by: $0) }
    return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress) }
  }
  try check(status, "setting the feature names")
}

private func check(_ status: Int32, _ doing: String) throws(ModelError) {
  guard status == 0 else {
    throw ModelError(.library, "XGBoost failed while \(doing): \(lastMessage())")
  }
}

private func unwrap(_ handle: UnsafeMutableRawPointer?, _ doing: String) throws(ModelError) -> UnsafeMutableRawPointer {
  guard let handle else { throw ModelError(.library, "XGBoost gave no handle while \(doing)") }
  return handle
}

/// The first line of XGBoost's message without the time and the place in its source; the rest is a stack trace. Messages
/// name parameters and sizes, not values.
private func lastMessage() -> String {
  let text = XGBGetLastError().map { String(cString: $0) } ?? "no message"
  let lines = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
  let first = lines.first { !$0.isEmpty && !$0.hasPrefix("Stack trace") } ?? "no message"
  return first.replacing(#/^\[[0-9:]+\] \S+:[0-9]+: /#, with: "")
}
