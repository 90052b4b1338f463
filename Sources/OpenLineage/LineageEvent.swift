internal import JSON
public import Lineage

/// One OpenLineage event of a run (specification 2-0-2), as it goes out.
public struct LineageEvent: Sendable, Hashable {
  /// What a run comes to.
  public enum Kind: String, Sendable, Hashable {
    case start = "START"
    case running = "RUNNING"
    case complete = "COMPLETE"
    case abort = "ABORT"
    case fail = "FAIL"
  }

  /// What the run has come to.
  public var kind: Kind
  /// When, as ISO 8601 with `Z`.
  public var time: String
  /// The run's UUID.
  public var runId: String
  /// The job.
  public var job: LineageJob
  /// The run that this one is a part of.
  public var parent: (runId: String, job: String)?
  /// What is read.
  public var inputs: [LineageDataset] = []
  /// What is written, with where its columns come from: uses by the names of tables that ``inputs`` have.
  public var outputs: [(dataset: LineageDataset, columns: LineageNode?)] = []
  /// What was done since the event before.
  public var figures = LineageFigures()
  /// Why it failed.
  public var error: String?

  /// An event without datasets.
  public init(_ kind: Kind, at time: String, runId: String, job: LineageJob) {
    self.kind = kind
    self.time = time
    self.runId = runId
    self.job = job
  }

  /// Equal if everything is.
  public static func == (left: LineageEvent, right: LineageEvent) -> Bool {
    left.json(namespace: "", version: "") == right.json(namespace: "", version: "")
  }

  /// By run and kind.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(runId)
    hasher.combine(kind)
    hasher.combine(time)
  }

  /// The event as one line of JSON.
  /// - Parameters:
  ///   - namespace: The namespace of the jobs.
  ///   - version: Lakeward's version.
  public func json(namespace: String, version: String) -> String {
    let facets = FacetWriter(producer: "urn:lakeward:\(version)")
    var run: JSONObject = ["runId": .string(runId)]
    run["facets"] = .object(facets.run(self, namespace: namespace, version: version))
    let event: JSONObject = [
      "eventType": .string(kind.rawValue), "eventTime": .string(time), "run": .object(run),
      "job": .object([
        "namespace": .string(namespace), "name": .string(job.name), "facets": .object(facets.job(job)),
      ]),
      "inputs": .array(inputs.map { .object(input($0, facets, namespace)) }),
      "outputs": .array(outputs.map { .object(output($0.dataset, $0.columns, facets, namespace)) }),
      "producer": .string(facets.producer),
      "schemaURL": .string("https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"),
    ]
    return JSONValue.object(event).text
  }

  private func input(_ dataset: LineageDataset, _ facets: FacetWriter, _ namespace: String) -> JSONObject {
    var own = JSONObject()
    if figures.rowsRead != nil { own["dataQualityMetrics"] = facets.metrics(figures) }
    let isFirst = dataset == inputs.first
    if isFirst, !figures.assertions.isEmpty { own["dataQualityAssertions"] = facets.assertions(figures.assertions) }
    return [
      "namespace": .string(dataset.place.namespace), "name": .string(dataset.place.name),
      "facets": .object(facets.dataset(dataset, namespace: namespace)),
      "inputFacets": .object(isFirst ? own : JSONObject()),
    ]
  }

  private func output(
    _ dataset: LineageDataset, _ columns: LineageNode?, _ facets: FacetWriter, _ namespace: String
  ) -> JSONObject {
    var shared = facets.dataset(dataset, namespace: namespace)
    let places = Dictionary(
      inputs.compactMap { input in input.table.map { ($0.lowercased(), input.place) } }
    ) { first, _ in first }
    if let columns, let facet = facets.columnLineage(columns, places) { shared["columnLineage"] = facet }
    var own = JSONObject()
    if let facet = facets.statistics(figures) { own["outputStatistics"] = facet }
    return [
      "namespace": .string(dataset.place.namespace), "name": .string(dataset.place.name), "facets": .object(shared),
      "outputFacets": .object(own),
    ]
  }
}
