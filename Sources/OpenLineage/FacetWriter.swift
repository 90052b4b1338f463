internal import JSON
internal import Lineage

/// Writes the facets of OpenLineage events, each by the version of its schema that is named here.
struct FacetWriter {
  /// Who says it.
  let producer: String

  private func facet(_ schema: String, _ version: String, _ members: JSONObject) -> JSONValue {
    var members = members
    members["_producer"] = .string(producer)
    members["_schemaURL"] = .string("https://openlineage.io/spec/facets/\(version)/\(schema).json#/$defs/\(schema)")
    return .object(members)
  }

  // MARK: Runs and jobs

  func run(_ event: LineageEvent, namespace: String, version: String) -> JSONObject {
    var facets = JSONObject()
    facets["processing_engine"] = facet(
      "ProcessingEngineRunFacet", "1-1-1", ["version": .string(version), "name": .string("Lakeward")])
    if let parent = event.parent {
      facets["parent"] = facet(
        "ParentRunFacet", "1-2-0",
        [
          "run": .object(["runId": .string(parent.runId)]),
          "job": .object(["namespace": .string(namespace), "name": .string(parent.job)]),
        ])
    }
    if let error = event.error {
      facets["errorMessage"] = facet(
        "ErrorMessageRunFacet", "1-0-1", ["message": .string(error), "programmingLanguage": .string("Swift")])
    }
    return facets
  }

  func job(_ job: LineageJob) -> JSONObject {
    var facets = JSONObject()
    facets["jobType"] = facet(
      "JobTypeJobFacet", "2-0-4",
      [
        "processingType": .string(job.processing.rawValue), "integration": .string("LAKEWARD"),
        "jobType": .string(job.query == nil ? "JOB" : "QUERY"),
      ])
    if let summary = job.summary {
      facets["documentation"] = facet("DocumentationJobFacet", "1-1-0", ["description": .string(summary)])
    }
    if let owner = job.owner { facets["ownership"] = facet("OwnershipJobFacet", "1-0-1", owners(owner)) }
    if let query = job.query {
      facets["sql"] = facet("SQLJobFacet", "1-1-0", ["query": .string(query), "dialect": .string("spark")])
    }
    return facets
  }

  private func owners(_ name: String) -> JSONObject {
    ["owners": .array([.object(["name": .string("team:\(name)"), "type": .string("OWNER")])])]
  }

  // MARK: Datasets

  func dataset(_ dataset: LineageDataset, namespace: String) -> JSONObject {
    var facets = JSONObject()
    let uri = dataset.place.namespace == "file" ? "file://\(dataset.place.name)" : dataset.place.namespace
    facets["dataSource"] = facet(
      "DatasourceDatasetFacet", "1-0-1", ["name": .string(dataset.place.namespace), "uri": .string(uri)])
    if !dataset.columns.isEmpty { facets["schema"] = schema(dataset.columns) }
    if let summary = dataset.summary {
      facets["documentation"] = facet("DocumentationDatasetFacet", "1-1-0", ["description": .string(summary)])
    }
    if let owner = dataset.owner { facets["ownership"] = facet("OwnershipDatasetFacet", "1-0-1", owners(owner)) }
    if let table = dataset.table {
      let name: JSONObject = [
        "namespace": .string(namespace), "name": .string(table),
        "type": .string(table.hasPrefix("model/") ? "MODEL" : "TABLE"),
      ]
      facets["symlinks"] = facet("SymlinksDatasetFacet", "1-0-1", ["identifiers": .array([.object(name)])])
    }
    if let version = dataset.version {
      facets["version"] = facet(
        "DatasetVersionDatasetFacet", "1-0-1", ["datasetVersion": .string(String(version))])
    }
    let classes = dataset.columns.filter { $0.phi != nil }
    if !classes.isEmpty {
      let tags = classes.map { column -> JSONValue in
        .object([
          "key": .string("phi"), "value": .string(column.phi ?? ""), "source": .string("LAKEWARD"),
          "field": .string(column.name),
        ])
      }
      facets["tags"] = facet("TagsDatasetFacet", "1-0-0", ["tags": .array(tags)])
    }
    return facets
  }

  private func schema(_ columns: [LineageDataset.Column]) -> JSONValue {
    let fields = columns.enumerated().map { position, column -> JSONValue in
      var field: JSONObject = ["name": .string(column.name), "ordinal_position": .int(Int64(position + 1))]
      if let type = column.type { field["type"] = .string(type) }
      if let comment = column.comment { field["description"] = .string(comment) }
      return .object(field)
    }
    return facet("SchemaDatasetFacet", "1-2-0", ["fields": .array(fields)])
  }

  /// - Parameter places: Where the inputs are, by their names in small letters; columns of others are left out.
  func columnLineage(_ node: LineageNode, _ places: [String: DatasetPlace]) -> JSONValue? {
    func fields(_ uses: ColumnUses) -> [JSONValue] {
      uses.sorted { $0.key < $1.key }.compactMap { column, kinds in
        guard let place = places[column.table.lowercased()] else { return nil }
        let transformations = ColumnUse.allCases.filter(kinds.contains).map { use -> JSONValue in
          .object([
            "type": .string(use.isDirect ? "DIRECT" : "INDIRECT"), "subtype": .string(use.rawValue),
            "masking": .bool(false),
          ])
        }
        return .object([
          "namespace": .string(place.namespace), "name": .string(place.name), "field": .string(column.column),
          "transformations": .array(transformations),
        ])
      }
    }
    var columns = JSONObject()
    for column in node.columns {
      let from = fields(column.uses)
      if !from.isEmpty { columns[column.name] = .object(["inputFields": .array(from)]) }
    }
    let rows = fields(node.rows)
    guard !columns.members.isEmpty || !rows.isEmpty else { return nil }
    return facet(
      "ColumnLineageDatasetFacet", "1-2-0", ["fields": .object(columns), "dataset": .array(rows)])
  }

  // MARK: Figures

  func statistics(_ figures: LineageFigures) -> JSONValue? {
    guard let rows = figures.rowsWritten else { return nil }
    var members: JSONObject = ["rowCount": .int(rows)]
    if let bytes = figures.bytesWritten { members["size"] = .int(bytes) }
    if let files = figures.filesWritten { members["fileCount"] = .int(files) }
    return facet("OutputStatisticsOutputDatasetFacet", "1-0-2", members)
  }

  func metrics(_ figures: LineageFigures) -> JSONValue {
    facet(
      "DataQualityMetricsInputDatasetFacet", "1-0-3",
      ["rowCount": .int(figures.rowsRead ?? 0), "columnMetrics": .object(JSONObject())])
  }

  func assertions(_ assertions: [LineageAssertion]) -> JSONValue {
    let values = assertions.map { assertion -> JSONValue in
      var members: JSONObject = [
        "assertion": .string("custom_sql"), "name": .string(assertion.name), "success": .bool(assertion.failed == 0),
        "severity": .string(assertion.isStrict ? "error" : "warn"), "content": .string(assertion.condition),
        "contentType": .string("sql"), "expected": .string("0 of \(assertion.checked) rows"),
        "actual": .string("\(assertion.failed) of \(assertion.checked) rows"),
      ]
      if let summary = assertion.summary { members["description"] = .string(summary) }
      return .object(members)
    }
    return facet("DataQualityAssertionsDatasetFacet", "1-1-0", ["assertions": .array(values)])
  }
}
