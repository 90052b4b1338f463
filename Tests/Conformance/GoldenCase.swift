import JSON
import DeltaLake
import Foundation
import LakewardTesting
import Testing

/// One table of the golden set with what is known about it.
struct GoldenCase: CustomTestStringConvertible, Sendable {
  let name: String
  let folder: String
  let facts: JSONObject

  var testDescription: String { name }
  var table: String { folder + "/delta" }
  var kind: String { facts["kind"]?.string ?? "" }

  /// The folder of the set beside the repository, nil with a printed reason where there is none.
  static let root = Places.shared("golden/delta")

  /// All cases, none where the set is absent.
  static let all: [GoldenCase] = {
    guard let root else {
      Places.note("skipped: the golden Delta tables are not here (../shared/golden/delta)")
      return []
    }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    return names.sorted().compactMap { name in
      guard let data = FileManager.default.contents(atPath: "\(root)/\(name)/case.json"),
        let facts = JSONValue(parsing: String(decoding: data, as: UTF8.self))?.object
      else { return nil }
      return GoldenCase(name: name, folder: "\(root)/\(name)", facts: facts)
    }
  }()

  static func of(kind: String) -> [GoldenCase] { all.filter { $0.kind == kind } }

  /// Cases that are not passed, each with its reason.
  static let unsupported: [String: String] = [:]
}
