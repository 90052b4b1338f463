import Foundation
import Intake

/// FHIR files: an import takes every file, or says why not; a broken one costs no other.
final class FHIRTarget: FuzzTarget {
  let batch = 250
  let seeds = [
    """
    {"resourceType":"Bundle","type":"transaction","entry":[
    {"fullUrl":"urn:uuid:a","resource":{"resourceType":"Patient","id":"p1","gender":"female","birthDate":"1980-02-29",
    "name":[{"family":"N","given":["G","H"]}],"address":[{"city":"T","postalCode":"1"}],"deceasedDateTime":"2026-01-01"}},
    {"resource":{"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"AMB"},
    "subject":{"reference":"Patient/p1"},"period":{"start":"2026-01-05T08:00:00Z","end":"2026-01-05T09:00:00+01:00"}}}]}
    """,
    """
    {"resourceType":"Observation","id":"o1","meta":{"versionId":"2","lastUpdated":"2026-01-05T08:00:00Z"},
    "status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},
    "subject":{"reference":"Patient/p1"},"effectiveDateTime":"2026-01-05T09:30:00+01:00",
    "valueQuantity":{"value":71.50,"code":"/min"},"component":[{"code":{"coding":[{"code":"1"}]},"valueString":"x"}]}
    """,
    """
    {"resourceType":"Condition","id":"c1","code":{"coding":[{"system":"http://snomed.info/sct","code":"44054006"}]},
    "subject":{"reference":"Patient/p1"},"onsetDateTime":"2020-01-01","abatementDateTime":"2020-13-41"}
    """,
  ].map { Array($0.utf8) }
  let words = [
    "null", "[]", "{}", "\"entry\":", "\"resource\":", "\"id\":", "\"resourceType\":\"Patient\"", "\u{FEFF}",
  ]
  private let folder: String
  private var number = 0

  init() throws { folder = try ScratchFolder.make("fhir") }

  func read(_ inputs: [[UInt8]]) throws -> Int {
    number += 1
    let round = "\(folder)/\(number)"
    defer { try? FileManager.default.removeItem(atPath: round) }
    try FileManager.default.createDirectory(atPath: round + "/in", withIntermediateDirectories: true)
    for (number, input) in inputs.enumerated() {
      try Data(input).write(to: URL(fileURLWithPath: "\(round)/in/\(number).json"))
    }
    let sound = #"{"resourceType":"Patient","id":"sound","gender":"male","birthDate":"1970-01-01"}"#
    try Data(sound.utf8).write(to: URL(fileURLWithPath: "\(round)/in/sound.json"))
    var options = Importer.Options()
    options.settings = ["threads": "2"]
    let report = try Importer(lake: round + "/lake", options: options).run([round + "/in"])
    guard report["synthea_patients"]?.rows ?? 0 >= 1 else { throw Violation("a sound file is lost beside broken ones") }
    return report.quarantined
  }
}

/// Folders for what a target must have on disk, removed by whoever started the fuzzer with its TMPDIR.
enum ScratchFolder {
  static func make(_ name: String) throws -> String {
    let parent = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    let path = "\(parent)/fuzz-\(name)-\(getpid())"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }
}
