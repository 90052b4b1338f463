import Foundation
import Models
import Testing

@Suite struct ModelRegistryTests {
  @Test func registersPromotesAndRollsBack() throws {
    try withRegistry { registry in
      #expect(try registry.list().isEmpty)
      let first = try registry.register(try trained(seed: 1))
      let second = try registry.register(try trained(seed: 2), promote: false)
      #expect([first.card.version, second.card.version] == ["1", "2"])
      #expect(try registry.names() == ["illness"])
      #expect(try registry.versions(of: "illness").map(\.isLive) == [true, false])
      try registry.promote("illness", version: "2")
      #expect(try registry.live("illness").card.seed == 2)
      try registry.promote("illness", version: "1")
      #expect(try registry.live("illness").card.seed == 1)
      #expect(try registry.live("illness").scorer().model.features == SampleData.features)
    }
  }

  @Test func theCardSurvivesItsFile() throws {
    try withRegistry { registry in
      let model = try trained(seed: 3)
      let entry = try registry.register(model, createdAt: Date(timeIntervalSince1970: 0))
      var expected = model.card
      expected.version = "1"
      expected.createdAt = "1970-01-01T00:00:00Z"
      expected.modelFingerprint = entry.card.modelFingerprint
      #expect(try registry.version("1", of: "illness").card == expected)
      #expect(FileManager.default.fileExists(atPath: "\(entry.directory)/card.md"))
    }
  }

  @Test func unknownNamesAndVersionsSayWhatThereIs() throws {
    try withRegistry { registry in
      let missing = #expect(throws: ModelError.self) { try registry.live("illness") }
      #expect(missing?.code == .notFound)
      #expect(missing?.hint?.contains("lakeward train illness") == true)
      try registry.register(try trained(seed: 1))
      let version = #expect(throws: ModelError.self) { try registry.promote("illness", version: "7") }
      #expect(version?.hint == "versions are 1")
      let name = #expect(throws: ModelError.self) { try registry.live("../illness") }
      #expect(name?.code == .invalidSpecification)
    }
  }

  @Test func leftoversOfACrashAreNotVersions() throws {
    try withRegistry { registry in
      try registry.register(try trained(seed: 1))
      let folder = "\(registry.directory)/illness/.new-cut-off"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try Data([1, 2, 3]).write(to: URL(fileURLWithPath: "\(folder)/model.ubj"))
      #expect(try registry.versions(of: "illness").count == 1)
      #expect(try registry.register(try trained(seed: 2)).card.version == "2")
    }
  }

  @Test func corruptFilesAreNamed() throws {
    try withRegistry { registry in
      let entry = try registry.register(try trained(seed: 1))
      let path = "\(entry.directory)/model.ubj"
      var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      bytes[bytes.count / 2] ^= 1
      try bytes.write(to: URL(fileURLWithPath: path))
      let model = #expect(throws: ModelError.self) { try registry.live("illness").scorer() }
      #expect(model?.code == .corruptModel)
      try Data("{}".utf8).write(to: URL(fileURLWithPath: "\(entry.directory)/model.json"))
      let card = #expect(throws: ModelError.self) { try registry.live("illness") }
      #expect(card?.code == .corruptModel)
      #expect(card?.message.contains("model.json") == true)
      try Data("nothing".utf8).write(to: URL(fileURLWithPath: "\(registry.directory)/illness/live"))
      let pointer = #expect(throws: ModelError.self) { try registry.live("illness") }
      #expect(pointer?.message.contains("/live") == true)
    }
  }

  @Test func severalWritersGetDifferentVersions() async throws {
    try await withRegistry { registry in
      let model = try trained(seed: 1)
      let versions = try await withThrowingTaskGroup(of: String.self) { group in
        for _ in 0..<6 { group.addTask { try registry.register(model).card.version } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(versions.sorted() == ["1", "2", "3", "4", "5", "6"])
    }
  }

  private func trained(seed: UInt64) throws -> TrainedModel {
    try TrainerTests.quickModel(seed: seed)
  }
}

/// Runs `body` with a registry in a folder of its own.
func withRegistry<R>(_ body: (ModelRegistry) throws -> R) throws -> R {
  let directory = FileManager.default.temporaryDirectory.appending(path: "models-\(UUID().uuidString)").path
  defer { try? FileManager.default.removeItem(atPath: directory) }
  return try body(ModelRegistry(directory: directory))
}

/// Runs `body` with a registry in a folder of its own.
func withRegistry<R>(_ body: (ModelRegistry) async throws -> R) async throws -> R {
  let directory = FileManager.default.temporaryDirectory.appending(path: "models-\(UUID().uuidString)").path
  defer { try? FileManager.default.removeItem(atPath: directory) }
  return try await body(ModelRegistry(directory: directory))
}
