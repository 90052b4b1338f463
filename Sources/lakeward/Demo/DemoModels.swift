internal import DeltaLake
internal import Foundation
internal import Intake
internal import Models
internal import Simulation
internal import Streaming

/// The models of the demo: those that are missing are trained before the stream starts.
enum DemoModels {
  /// - Parameter lineage: Is told of imports and trainings.
  static func prepare(_ workspace: Workspace, patients: Int, lineage: LineageDuty?, stop: StopSignal) throws {
    for name in ["illness", "risk", "diabetes"] where !stop.isStopped {
      if try workspace.registry.liveVersion(of: name) != nil {
        Console.write("The \(name) model of an earlier run is live; lakeward train \(name) makes a new one.")
        continue
      }
      if name == "illness" { try preparePopulation(workspace, patients: patients, lineage) }
      Console.write("Training the \(name) model.")
      func train() throws -> ModelRegistry.Entry { try workspace.train(name) { _ in } }
      let entry = try lineage?.training(name, train) ?? train()
      Console.write(entry.card.summary + "\n")
    }
  }

  /// What the illness model is trained from: the lake's imported data, or a generated population.
  private static func preparePopulation(_ workspace: Workspace, patients: Int, _ lineage: LineageDuty?) throws {
    guard try !workspace.lake.tableNames().contains("synthea_patients") else { return }
    Console.write(
      "No Synthea data in the lake: generating \(Console.grouped(patients)) invented patients in Synthea's CSV schema."
    )
    let folder = "\(workspace.lake.root)/_generated/synthea"
    try? FileManager.default.removeItem(atPath: folder)
    let population = try PopulationGenerator(seed: 42, patients: patients).write(to: folder)
    Console.write(
      "Importing \(Console.grouped(population.encounters)) encounters and \(Console.grouped(population.observations)) observations."
    )
    let began = ContinuousClock.now
    let report = try workspace.importFolder([folder]) { _ in }
    lineage?.imported(
      report.files.compactMap { file in file.table.map { ("\(folder)/\(file.file)", $0, file.rows) } },
      seconds: (ContinuousClock.now - began) / .seconds(1))
  }
}

/// Trains the demo's model of anomalies beside the running stream, once it has brought enough readings to learn from. The
/// stream takes it up by itself.
final class DemoAnomalyTraining: Sendable {
  private static let readings: Int64 = 8_000
  private let done = DispatchSemaphore(value: 0)

  init(_ workspace: Workspace, lineage: LineageDuty?, stop: StopSignal) {
    @Sendable func train() throws -> ModelRegistry.Entry { try workspace.train("vitals") { _ in } }
    let thread = Thread { [self] in
      while !stop.isStopped, (try? workspace.registry.liveVersion(of: "vitals")) ?? nil == nil {
        let table = try? workspace.lake.table(named: "silver_patient_vitals").snapshot()
        if let count = (try? table?.rowCount()) ?? nil, count >= Self.readings {
          do { _ = try lineage?.training("vitals", train) ?? train() } catch {
            Console.warn("the model vitals: \(error)")
          }
          break
        }
        stop.wait(seconds: 1)
      }
      // An engine that was used here must not go away together with its thread.
      while !stop.isStopped { stop.wait(seconds: 3_600) }
      done.signal()
    }
    thread.name = "demo anomalies"
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// Waits for the end; the stop must have been asked for.
  func wait() { done.wait() }
}
