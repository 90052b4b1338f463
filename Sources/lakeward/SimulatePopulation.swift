internal import Foundation
internal import Simulation

/// `lakeward simulate population`: people instead of records.
enum SimulatePopulation {
  static func run(_ arguments: Arguments) throws -> Int32 {
    for name in ["rate", "count", "speed", "start", "truth"] where arguments.text(name) != nil {
      throw UsageError("lakeward simulate population: --\(name) is for streams; --patients says how many people")
    }
    let folder = arguments.text("to") ?? "population-csv"
    let generator = PopulationGenerator(
      seed: UInt64(try arguments.integer("seed") ?? 42),
      patients: try arguments.integer("patients", minimum: 1) ?? 10_000,
      years: try arguments.integer("years", minimum: 1) ?? 5)
    let started = ContinuousClock.now
    let summary = try generator.write(to: folder) { written in
      if Console.isTerminal { Console.writeRaw("\r\(Console.grouped(written)) patients\u{1B}[K") }
    }
    if Console.isTerminal { Console.writeRaw("\r\u{1B}[K") }
    for (name, rows) in summary.rows.sorted(by: { $0.key < $1.key }) {
      Console.write("\(name.padding(toLength: 22, withPad: " ", startingAt: 0))\(Console.grouped(rows)) rows")
    }
    let seconds = (ContinuousClock.now - started) / .seconds(1)
    Console.write(
      "\n\(Console.grouped(summary.bytes / 1_000_000)) MB in \(String(format: "%.1f", seconds)) s. What was planted is in "
        + "\(folder)/truth; lakeward import \(folder) takes the rest.")
    return 0
  }
}
