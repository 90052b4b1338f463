public import Foundation

/// The figures of a scenario of the reliability suite: printed, and appended as a line of JSON to the file that
/// `LAKEWARD_RESULTS` names, from which `bench/reliability` writes docs/reliability.md.
public enum ReliabilityLog {
  /// Notes a scenario that has ended.
  ///
  /// - Parameters:
  ///   - scenario: What was done to the program.
  ///   - figures: Counts by name; `records`, `faults`, `lost` and `wrong` are in every line of a stream.
  ///   - since: When it began.
  public static func add(_ scenario: String, _ figures: KeyValuePairs<String, Int64>, since: Date) {
    let seconds = Int64(Date().timeIntervalSince(since) * 10)
    let numbers = figures.map { "\"\($0.key)\":\($0.value)" } + ["\"seconds\":\(seconds / 10).\(seconds % 10)"]
    let line = "{\"scenario\":\"\(scenario)\"," + numbers.joined(separator: ",") + "}"
    add(line: line)
  }

  /// Notes a line of JSON that another program has made.
  public static func add(line: String) {
    Places.note("reliability " + line)
    guard let path = ProcessInfo.processInfo.environment["LAKEWARD_RESULTS"], !path.isEmpty else { return }
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT, 0o644)
    guard descriptor >= 0 else { return Places.note("LAKEWARD_RESULTS: \(path) cannot be written") }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    handle.write(Data((line + "\n").utf8))
  }

  /// How many rounds of faults a scenario plays: a few in the test run, `LAKEWARD_CHAOS_ROUNDS` in `make chaos`.
  public static func rounds(_ few: Int) -> Int {
    ProcessInfo.processInfo.environment["LAKEWARD_CHAOS_ROUNDS"].flatMap { Int($0) } ?? few
  }
}
