import Foundation

/// The bytes of `parameters.json`, keys sorted, so that the same model gives the same bytes.
func jsonBytes(_ value: some Encodable) throws(ModelError) -> [UInt8] {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  do {
    return Array(try encoder.encode(value)) + [0x0A]
  } catch {
    throw ModelError(.invalidSpecification, "the model holds numbers that are not finite and cannot be saved")
  }
}

/// What `parameters.json` holds. Throws `corruptModel`.
func decoded<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws(ModelError) -> Value {
  do {
    return try JSONDecoder().decode(type, from: Data(bytes))
  } catch {
    throw ModelError(.corruptModel, "the model's parameters cannot be read: the file is damaged or of another kind")
  }
}

/// Throws `features` unless a caller's features, if given, are those of the model.
func requireSame(_ given: [String]?, _ trained: [String]) throws(ModelError) {
  guard let given, given != trained else { return }
  throw ModelError(
    .features,
    "the model was trained on \(trained.count) features (\(trained.joined(separator: ", "))), not on "
      + "\(given.count) (\(given.joined(separator: ", ")))",
    hint: "name the same features in the same order, or train the model again")
}
