import Foundation
import Simulation

/// Feeds broken inputs to the readers of formats.
///
///     fuzzer FORMAT SEED INPUTS LAST     seeded changes; the input being read stands in the file LAST
///     fuzzer FORMAT --replay FILE        one input from a file
///     fuzzer FORMAT --seeds FOLDER       writes the sound inputs, for a corpus
///     fuzzer FORMAT --libfuzzer ARGUMENT…   guided by coverage; only where built with libFuzzer (`make fuzz`)
///
/// The exit status is 0 when every input was read or refused as promised. One line of JSON says how many.
@main enum Fuzzer {
  static func main() {
    do {
      let arguments = CommandLine.arguments
      guard arguments.count >= 4, let format = FuzzFormat(rawValue: arguments[1]) else {
        let formats = FuzzFormat.allCases.map(\.rawValue).joined(separator: "|")
        throw Violation("usage: fuzzer \(formats) SEED INPUTS LAST | --replay FILE | --seeds FOLDER")
      }
      let target = try format.target()
      switch arguments[2] {
      case "--replay":
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: arguments[3])))
        print(try target.read([bytes]) == 0 ? "read" : "refused")
      case "--seeds":
        for (number, seed) in target.seeds.enumerated() {
          try Data(seed).write(to: URL(fileURLWithPath: "\(arguments[3])/seed-\(number)"))
        }
      case "--libfuzzer": try CoverageGuided.run(target, Array(arguments[3...]))
      default:
        guard arguments.count == 5, let seed = UInt64(arguments[2]), let inputs = Int(arguments[3]) else {
          throw Violation("SEED and INPUTS are numbers")
        }
        try mutate(format, target, seed: seed, inputs: inputs, last: LastInput(path: arguments[4]))
      }
    } catch {
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      exit(1)
    }
  }

  private static func mutate(
    _ format: FuzzFormat, _ target: any FuzzTarget, seed: UInt64, inputs: Int, last: LastInput
  ) throws {
    let began = Date()
    var mutator = Mutator(seed: seed, target: target)
    last.note(target.seeds)
    guard try target.read(target.seeds) == 0 else { throw Violation("a sound input was refused") }
    var refused = 0
    var done = 0
    while done < inputs {
      let batch = (0..<min(target.batch, inputs - done)).map { _ in mutator.next() }
      last.note(batch)
      refused += try target.read(batch)
      done += batch.count
    }
    let seconds = (Date().timeIntervalSince(began) * 100).rounded() / 100
    print(
      "{\"scenario\":\"fuzz\",\"format\":\"\(format.rawValue)\",\"inputs\":\(done),\"refused\":\(refused),"
        + "\"seconds\":\(seconds)}")
  }
}
