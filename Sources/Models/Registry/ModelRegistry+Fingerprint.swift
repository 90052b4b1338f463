import Foundation

extension ModelRegistry.Entry {
  /// How the version's inputs and answers were distributed in training; nil if it was registered without that.
  /// Throws `corruptModel`.
  public func fingerprint() throws(ModelError) -> DistributionFingerprint? {
    let path = "\(directory)/\(ModelRegistry.fingerprintFile)"
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    return try decoded(DistributionFingerprint.self, try readFile(path))
  }
}

extension ModelCard {
  /// One feature as a caller must give it.
  struct FeatureSchema: Encodable {
    var name: String
    var type = "float"
    var missingShare: Double
  }

  /// The features in order.
  var featureSchema: [FeatureSchema] {
    features.map { FeatureSchema(name: $0, missingShare: data.missingShare[$0] ?? 0) }
  }
}
