internal import Pipelines
internal import Streaming

/// What the pages Population and Quality show of the demo's people. Nothing is added to them while the demo runs, so that
/// their measures are computed once, before it begins.
enum DemoPopulation {
  /// The views that the two pages read.
  private static let views: Set = [
    "gold_age_pyramid", "gold_prevalence", "gold_top_conditions", "gold_encounter_metrics", "gold_surveillance",
    "gold_patient_journeys", "gold_readmission_rates", "gold_length_of_stay", "gold_medication_adherence",
  ]

  static func prepare(_ workspace: Workspace, lineage: LineageDuty?) throws {
    let ordered = ViewOrder.chosen(views, of: try ViewOrder.of([workspace.pipeline("population")]))
    Console.write("Computing the measures of the population.\n")
    let session = RefreshSession(workspace, lineage: lineage)
    for view in ordered { _ = try session.refresh(view) }
    try session.tidy()
  }
}
