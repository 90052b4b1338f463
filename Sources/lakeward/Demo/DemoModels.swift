internal import Foundation
internal import Models
internal import Simulation
internal import Streaming

/// The models of the demo: those that are missing are trained before the stream starts.
enum DemoModels {
  static func prepare(_ workspace: Workspace, patients: Int, stop: StopSignal) throws {
    for name in ["illness", "risk", "diabetes"] where !stop.isStopped {
      if try workspace.registry.liveVersion(of: name) != nil {
        Console.write("The \(name) model of an earlier run is live; lakeward train \(name) makes a new one.")
        continue
      }
      if name == "illness" { try preparePopulation(workspace, patients: patients) }
      Console.write("Training the \(name) model.")
      let entry = try workspace.train(name, ) { _ in }
      Console.write(entry.card.summary + "\n")
    }
  }

  /// What the illness model is trained from: the lake's imported data, or a generated population.
  private static func preparePopulation(_ workspace: Workspace, patients: Int) throws {
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
    _ = try workspace.importFolder([folder]) { _ in }
  }
}
