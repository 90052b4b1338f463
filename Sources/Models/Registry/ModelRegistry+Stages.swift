public import Foundation

extension ModelRegistry {
  /// The version in silent trial; nil when there is none. Cheap enough to ask before every batch.
  public func silentVersion(of name: String) throws(ModelError) -> String? {
    try Self.check(name: name)
    guard let silent = try pointer(Self.silentPointer, of: name) else { return nil }
    // A crash may leave the pointer behind after the version went live.
    return silent == (try liveVersion(of: name)) ? nil : silent
  }

  /// The version in silent trial with its card. Throws `notFound` when there is none.
  public func silent(_ name: String) throws(ModelError) -> Entry {
    guard let silent = try silentVersion(of: name) else {
      throw ModelError(
        .notFound, "no version of the model \(name) is in silent trial",
        hint: "start one with `lakeward models stage \(name) VERSION silent`")
    }
    return try version(silent, of: name)
  }

  /// Everything that happened to a model's versions, oldest first.
  public func history(of name: String) throws(ModelError) -> [StageEvent] { try stages(of: name).events }

  /// Makes a version live: the pointer is replaced in one step, so a reader sees the old version or the new one. The
  /// version that was live is retired by that; a silent trial of this version ends.
  public func promote(_ name: String, version: String, reason: String = "", at time: Date = .now) throws(ModelError) {
    try makeLive(name, version: version, StageEvent(version: version, stage: .live, time: "", reason: reason), time)
  }

  /// Makes the version live again that was live before. Returns its entry.
  ///
  /// Throws `notFound` when no other version was ever live.
  @discardableResult
  public func rollback(_ name: String, reason: String = "", at time: Date = .now) throws(ModelError) -> Entry {
    guard let previous = try stages(of: name).previousLive else {
      throw ModelError(
        .notFound, "no other version of the model \(name) was live before",
        hint: "make one live with `lakeward models promote \(name) VERSION`")
    }
    try makeLive(
      name, version: previous,
      StageEvent(version: previous, stage: .live, time: "", reason: reason, isRollback: true), time)
    return try self.version(previous, of: name)
  }

  /// Moves a version to a stage. `live` is `promote`; another version in silent trial goes back to `candidate`.
  ///
  /// Throws `invalidSpecification` for the live version, which only another version can relieve.
  public func setStage(
    _ stage: ModelStage, of name: String, version: String, reason: String = "", at time: Date = .now
  ) throws(ModelError) {
    if stage == .live { return try promote(name, version: version, reason: reason, at: time) }
    let entry = try self.version(version, of: name)
    guard entry.stage != .live else {
      throw ModelError(
        .invalidSpecification, "version \(version) of \(name) is live and cannot become \(stage.rawValue)",
        hint: "promote another version, or roll back, first")
    }
    let silent = try pointer(Self.silentPointer, of: name)
    if stage == .silent {
      try setPointer(Self.silentPointer, of: name, to: version)
    } else if silent == version {
      try removePointer(Self.silentPointer, of: name)
    }
    try note(StageEvent(version: version, stage: stage, time: time.ISO8601Format(), reason: reason), of: name)
  }

  private func makeLive(_ name: String, version: String, _ event: StageEvent, _ time: Date) throws(ModelError) {
    _ = try self.version(version, of: name)
    try setPointer(Self.livePointer, of: name, to: version)
    if try pointer(Self.silentPointer, of: name) == version { try removePointer(Self.silentPointer, of: name) }
    var event = event
    event.time = time.ISO8601Format()
    try note(event, of: name)
  }

  // MARK: Files

  static let livePointer = "live"
  static let silentPointer = "silent"
  private static let journal = "stages.ndjson"

  /// The pointers and the journal.
  func stages(of name: String) throws(ModelError) -> StageBook {
    StageBook(
      live: try liveVersion(of: name), silent: try silentVersion(of: name), events: try journalEvents(of: name))
  }

  /// The version number that a pointer file holds; nil when there is no such file.
  func pointer(_ file: String, of name: String) throws(ModelError) -> String? {
    let path = "\(directory)/\(name)/\(file)"
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let text = String(decoding: try readFile(path), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    guard Int(text) != nil else {
      throw ModelError(
        .corruptModel, "\(path) does not hold a version number", hint: "promote a version of \(name) again")
    }
    return text
  }

  private func setPointer(_ file: String, of name: String, to version: String) throws(ModelError) {
    let parent = "\(directory)/\(name)"
    let temporary = "\(parent)/.\(file)-\(UUID().uuidString)"
    try writeFile(Array("\(version)\n".utf8), to: temporary)
    try rename(temporary, to: "\(parent)/\(file)")
    try syncFolder(parent)
  }

  private func removePointer(_ file: String, of name: String) throws(ModelError) {
    try? FileManager.default.removeItem(atPath: "\(directory)/\(name)/\(file)")
    try syncFolder("\(directory)/\(name)")
  }

  private func note(_ event: StageEvent, of name: String) throws(ModelError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let line = try? encoder.encode(event) else { return }
    try appendLine(Array(line), to: "\(directory)/\(name)/\(Self.journal)")
  }

  private func journalEvents(of name: String) throws(ModelError) -> [StageEvent] {
    let path = "\(directory)/\(name)/\(Self.journal)"
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    let decoder = JSONDecoder()
    // A line that a crash cut off says nothing; the pointers decide.
    return try readFile(path).split(separator: 0x0A).compactMap {
      try? decoder.decode(StageEvent.self, from: Data($0))
    }
  }
}
