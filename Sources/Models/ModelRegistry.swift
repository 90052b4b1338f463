public import Foundation

/// Versions of models in a folder:
///
///     models/NAME/live                   text: the version that scores, replaced atomically
///     models/NAME/silent                 text: the version in silent trial, if any
///     models/NAME/stages.ndjson          what happened to which version, one JSON object per line
///     models/NAME/VERSION/model.ubj      trees in XGBoost's UBJSON format; parameters.json for other kinds
///     models/NAME/VERSION/model.json     the card: features, threshold, metrics, fingerprint, seed
///     models/NAME/VERSION/card.md        the card for people
///     models/NAME/VERSION/metrics.json   the card's figures alone, by name
///     models/NAME/VERSION/features.json  the features in order with type and share of missing values
///     models/NAME/VERSION/fingerprint.json  how inputs and answers were distributed in training, as histograms
///
/// Versions are 1, 2, 3, … and never change once they have a name: a version is written into a hidden folder, synced
/// and renamed, so a crash leaves either a whole version or none. Several processes may use one registry.
public struct ModelRegistry: Sendable {
  /// The folder that holds one folder per model.
  public let directory: String

  /// A registry in `directory`, which is made when the first model is registered.
  public init(directory: String) {
    self.directory = directory
  }

  /// One registered version.
  public struct Entry: Sendable, Hashable {
    /// Folder of this version.
    public let directory: String
    /// What it is.
    public let card: ModelCard
    /// How far it has come.
    public let stage: ModelStage
    /// True if this is the version that scores.
    public var isLive: Bool { stage == .live }

    /// Loads the model itself, with the card's calibration, and checks it against the card.
    public func scorer() throws(ModelError) -> Scorer {
      let path = "\(directory)/\(card.algorithm.fileName)"
      let bytes = try readFile(path)
      guard FNV1a(bytes).text == card.modelFingerprint else {
        throw ModelError(
          .corruptModel, "\(path) is not the file that was registered: its hash differs from the card's",
          hint: "promote another version, or train \(card.name) again")
      }
      let model = try ModelFile.load(card.algorithm, bytes, features: card.features)
      guard model.outputs == card.classes?.count ?? 1 else {
        throw ModelError(
          .corruptModel, "\(path) has \(model.outputs) outputs, its card \(card.classes?.count ?? 1) classes",
          hint: "promote another version, or train \(card.name) again")
      }
      return Scorer(model: model, calibration: card.calibration)
    }
  }

  /// The name of the file with a version's `DistributionFingerprint`.
  static let fingerprintFile = "fingerprint.json"

  /// Names of all models that have a version, sorted.
  public func names() throws(ModelError) -> [String] {
    try folders(in: directory).filter { name in Self.isValid(name: name) }.sorted()
  }

  /// All versions of a model, oldest first; empty when there is no such model.
  public func versions(of name: String) throws(ModelError) -> [Entry] {
    let stages = try stages(of: name)
    var entries: [Entry] = []
    for number in try numbers(of: name) {
      entries.append(try entry(name, version: String(number), stages))
    }
    return entries
  }

  /// All versions of all models, by name and oldest first.
  public func list() throws(ModelError) -> [Entry] {
    var entries: [Entry] = []
    for name in try names() {
      entries += try versions(of: name)
    }
    return entries
  }

  /// One version of a model. Throws `notFound` with the versions that there are.
  public func version(_ version: String, of name: String) throws(ModelError) -> Entry {
    let numbers = try numbers(of: name).map(String.init)
    guard numbers.contains(version) else {
      throw ModelError(
        .notFound, "there is no version \(version) of the model \(name) in \(directory)",
        hint: numbers.isEmpty ? Self.trainHint(name) : "versions are \(numbers.joined(separator: ", "))")
    }
    return try entry(name, version: version, try stages(of: name))
  }

  /// The version that scores. Throws `notFound` when none has been promoted.
  public func live(_ name: String) throws(ModelError) -> Entry {
    guard let live = try liveVersion(of: name) else {
      throw ModelError(.notFound, "no version of the model \(name) is live in \(directory)", hint: Self.trainHint(name))
    }
    return try version(live, of: name)
  }

  /// The text of the `live` pointer; nil when nothing is live. Cheap enough to ask before every batch.
  public func liveVersion(of name: String) throws(ModelError) -> String? {
    try Self.check(name: name)
    return try pointer(Self.livePointer, of: name)
  }

  /// Stores a trained model under the next free version and, if asked, makes it live.
  ///
  /// `createdAt` is the time that the card gets. Returns the new version's entry.
  @discardableResult
  public func register(_ model: TrainedModel, promote: Bool = true, createdAt: Date = .now)
    throws(ModelError) -> Entry
  {
    let name = model.card.name
    try Self.check(name: name)
    let parent = "\(directory)/\(name)"
    try makeFolder(parent)
    var number = (try numbers(of: name).last ?? 0) + 1
    while true {
      var card = model.card
      card.version = String(number)
      card.createdAt = createdAt.ISO8601Format()
      card.modelFingerprint = FNV1a(model.model.serialized).text
      let folder = try write(model, card: card, under: parent)
      do {
        try rename(folder, to: "\(parent)/\(number)")
        break
      } catch  where FileManager.default.fileExists(atPath: "\(parent)/\(number)") {
        // Another process took this number between our look and our rename.
        try? FileManager.default.removeItem(atPath: folder)
        number += 1
      }
    }
    try syncFolder(parent)
    if promote { try self.promote(name, version: String(number)) }
    return try version(String(number), of: name)
  }

  private func write(_ model: TrainedModel, card: ModelCard, under parent: String) throws(ModelError) -> String {
    let folder = "\(parent)/.new-\(UUID().uuidString)"
    try makeFolder(folder)
    let json: [UInt8]
    do {
      json = try card.json()
    } catch {
      throw ModelError(.fileSystem, "the card of \(card.name) cannot be written as JSON: \(error)")
    }
    try writeFile(model.model.serialized, to: "\(folder)/\(card.algorithm.fileName)")
    try writeFile(json, to: "\(folder)/\(cardFile)")
    try writeFile(Array(card.markdown.utf8), to: "\(folder)/card.md")
    try writeFile(try jsonBytes(card.figures), to: "\(folder)/metrics.json")
    try writeFile(try jsonBytes(card.featureSchema), to: "\(folder)/features.json")
    if var fingerprint = model.fingerprint {
      fingerprint.tables = card.data.tables ?? [:]
      try writeFile(try jsonBytes(fingerprint), to: "\(folder)/\(Self.fingerprintFile)")
    }
    try syncFolder(folder)
    return folder
  }

  private func entry(_ name: String, version: String, _ stages: StageBook) throws(ModelError) -> Entry {
    let folder = "\(directory)/\(name)/\(version)"
    let bytes = try readFile("\(folder)/\(cardFile)")
    do {
      return Entry(directory: folder, card: try ModelCard(json: bytes), stage: stages.stage(of: version))
    } catch {
      throw ModelError(
        .corruptModel, "\(folder)/\(cardFile) is not a model card: \(Self.firstLine(error))",
        hint: "promote another version, or train \(name) again")
    }
  }

  private func numbers(of name: String) throws(ModelError) -> [Int] {
    try Self.check(name: name)
    return try folders(in: "\(directory)/\(name)").compactMap { Int($0) }.filter { $0 > 0 }.sorted()
  }

  private func folders(in path: String) throws(ModelError) -> [String] {
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path).filter {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: "\(path)/\($0)", isDirectory: &isFolder) && isFolder.boolValue
      }
    } catch {
      throw ModelError(.fileSystem, "cannot list the folder \(path)", hint: "check its permissions")
    }
  }

  /// Names become folder names and parts of SQL function names.
  static func isValid(name: String) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= 64 else { return false }
    let isLetter = { (byte: UInt8) in (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || byte == 0x5F }
    return isLetter(first) && name.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) }
  }

  static func check(name: String) throws(ModelError) {
    guard isValid(name: name) else {
      throw ModelError(
        .invalidSpecification, "'\(name)' cannot be a model's name",
        hint: "use letters, digits and underscores, at most 64, starting with a letter")
    }
  }

  private static func trainHint(_ name: String) -> String {
    "train one with `lakeward train \(name)`"
  }

  private static func firstLine(_ error: any Error) -> String {
    switch error {
    case DecodingError.keyNotFound(let key, _): "the field \(key.stringValue) is missing"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
      "the field \(context.codingPath.map(\.stringValue).joined(separator: ".")) has the wrong type"
    default: "it is not valid JSON"
    }
  }
}

private let cardFile = "model.json"
