internal import DeltaLake
internal import DuckDB
internal import Foundation
internal import Pipelines
internal import Simulation
internal import Streaming

/// Where a model's training SQL finds the tables that it reads.
final class TrainingRows {
  /// Where the labelled rows come from.
  enum Origin: Sendable, Hashable {
    /// The lake's tables; what has a generator is generated if the table is not there.
    case lake
    /// A CSV or Parquet file in place of the one table that the SQL reads.
    case file(String)
    /// A table of the lake in place of it, such as one of a feature store.
    case table(String)
    /// The records that the pipeline has stored, with the outcomes that have arrived.
    case outcomes

    init(_ arguments: Arguments) throws {
      switch (arguments.text("data"), arguments.text("table"), arguments.has("from-outcomes")) {
      case (let file?, nil, false): self = .file(file)
      case (nil, let table?, false): self = .table(table)
      case (nil, nil, true): self = .outcomes
      case (nil, nil, false): self = .lake
      default: throw UsageError("--data, --table and --from-outcomes exclude each other")
      }
    }
  }

  /// What the card says about it.
  private(set) var source = "tables"
  /// Versions of the tables that are read.
  private(set) var tables: [String: Int64] = [:]

  private let model: ModelDefinition
  private let pipeline: Pipeline
  private let origin: Origin
  private let lake: Lake
  private let seed: UInt64
  private var temporaryFile: String?

  init(_ model: ModelDefinition, of pipeline: Pipeline, _ origin: Origin, lake: Lake, seed: UInt64) throws {
    self.model = model
    self.pipeline = pipeline
    self.origin = origin
    self.lake = lake
    self.seed = seed
  }

  /// Makes views of everything that the SQL reads. Returns a line for people if the rows need one.
  func provide(on connection: Connection) throws -> String? {
    switch origin {
    case .file(let path):
      try view(of: path, on: connection)
      source = "file \(path.split(separator: "/").last ?? "")"
      return nil
    case .table(let name):
      try view(ofColumnsIn: name, on: connection)
      source = "table \(name)"
      return nil
    case .outcomes:
      try outcomes(on: connection)
      source = "records of \(pipeline.name) with outcomes of \(model.scores.outcomes)"
      return nil
    case .lake:
      let existing = Set(try lake.tableNames())
      let missing = model.trainingInputs.filter { !existing.contains($0) }
      if !missing.isEmpty, let csv = generated(missing) { return try generate(csv, on: connection) }
      guard missing.isEmpty else { throw missingTables(missing) }
      for input in model.trainingInputs { try view(ofTable: input, as: input, on: connection) }
      return nil
    }
  }

  /// Removes what was only there for the training.
  func cleanUp() {
    if let temporaryFile { try? FileManager.default.removeItem(atPath: temporaryFile) }
  }

  private func view(ofTable name: String, as view: String, on connection: Connection) throws {
    let snapshot = try lake.table(named: name).snapshot()
    tables[name] = snapshot.version
    let scan = try DeltaReader.scanSQL(snapshot)
    let rest = try absentKinds(in: scan, as: view, on: connection)
    try connection.execute("CREATE OR REPLACE TEMP VIEW \(SQL.quote(identifier: view)) AS SELECT *\(rest) FROM \(scan)")
  }

  /// Columns of NULL for the kinds of patients that figures are given by and the rows of the one table do not tell.
  private func absentKinds(in scan: String, as view: String, on connection: Connection) throws -> String {
    guard model.trainingInputs == [view] else { return "" }
    let present = Set(try connection.columns(of: "SELECT * FROM \(scan)").map { $0.name.lowercased() })
    return model.fairness.filter { !present.contains($0.lowercased()) }
      .map { ", NULL::VARCHAR AS \(SQL.quote(identifier: $0))" }.joined()
  }

  private func missingTables(_ missing: [String]) -> CommandFailure {
    let tables = pipeline.tables.filter { missing.contains($0.name) }
    let remedy =
      if missing.contains(where: { $0.hasPrefix("synthea_") }) {
        "run: lakeward import DIR with Synthea's CSV files"
      } else if tables.contains(where: { $0.kind == .streaming }) {
        "run: lakeward run \(pipeline.name)"
      } else if !tables.isEmpty {
        "run: lakeward refresh --pipeline \(pipeline.name)"
      } else {
        "give labelled rows with --data FILE"
      }
    return CommandFailure(
      "training \(model.name) reads \(missing.joined(separator: ", ")), which the lake \(lake.root) lacks; \(remedy)")
  }

  // MARK: Files

  /// The one table that a file can stand for.
  private func onlyInput() throws -> String {
    guard model.trainingInputs.count == 1, let input = model.trainingInputs.first else {
      throw CommandFailure(
        "training \(model.name) reads \(model.trainingInputs.count) tables, so one file cannot stand for them")
    }
    return input
  }

  private func view(of path: String, on connection: Connection) throws {
    let file = try LabelledFile(path)
    try view(of: file.scan, columns: try file.columns(connection), called: path, on: connection)
  }

  /// Why training failed, if a value of the file that somebody gave is the reason: the place says more than the error.
  func mistake(_ connection: Connection) -> String? {
    guard case .file(let path) = origin, let file = try? LabelledFile(path),
      let columns = try? file.columns(connection)
    else { return nil }
    let label = model.classes.isEmpty ? [model.label] : []
    let numbers = Set((model.features + label).map(Self.plain))
    return try? file.wrongValue(in: columns.filter { numbers.contains(Self.plain($0)) }, connection)
  }

  private func view(ofColumnsIn name: String, on connection: Connection) throws {
    guard try lake.tableNames().contains(name) else {
      throw CommandFailure("the lake \(lake.root) has no table \(name); lakeward table names those that it has")
    }
    let snapshot = try lake.table(named: name).snapshot()
    tables[name] = snapshot.version
    let scan = try DeltaReader.scanSQL(snapshot)
    let columns = try connection.columns(of: "SELECT * FROM \(scan)").map(\.name)
    try view(of: scan, columns: columns, called: name, on: connection)
  }

  /// Upper case and underscores make no difference.
  private static func plain(_ name: String) -> String { name.lowercased().filter { $0.isLetter || $0.isNumber } }

  /// Makes the view that the SQL reads of the columns that it needs.
  private func view(
    of scan: String, columns: [String], called path: String, on connection: Connection
  ) throws {
    let byPlain = Dictionary(columns.map { (Self.plain($0), $0) }) { first, _ in first }
    var list: [String] = []
    var missing: [String] = []
    let time = model.time.map { [$0] } ?? []
    for wanted in model.features + time + (model.label.isEmpty ? [] : [model.label]) {
      guard let column = byPlain[Self.plain(wanted)] else {
        missing.append(wanted)
        continue
      }
      list.append("\(SQL.quote(identifier: column)) AS \(SQL.quote(identifier: wanted))")
    }
    guard missing.isEmpty else {
      throw CommandFailure(
        "\(path) has no column \(missing.joined(separator: ", ")); it has: \(columns.joined(separator: ", "))")
    }
    let group = byPlain[Self.plain(model.group)]
    // Without a column that names the patient each row is one of its own.
    list.append(
      "\(group.map { SQL.quote(identifier: $0) } ?? "row_number() OVER ()") AS \(SQL.quote(identifier: model.group))")
    for kind in model.fairness where !model.features.contains(kind) {
      let column = byPlain[Self.plain(kind)].map { SQL.quote(identifier: $0) } ?? "NULL::VARCHAR"
      list.append("\(column) AS \(SQL.quote(identifier: kind))")
    }
    let view = SQL.quote(identifier: try onlyInput())
    try connection.execute("CREATE OR REPLACE TEMP VIEW \(view) AS SELECT \(list.joined(separator: ", ")) FROM \(scan)")
  }

  // MARK: Outcomes

  /// The stored records of the table before the scoring table, with the outcomes of the same patient and time.
  private func outcomes(on connection: Connection) throws {
    let scores = model.scores
    let stored = pipeline.scoringTable(of: model.name)?.streamInputs.first ?? ""
    let existing = try lake.tableNames()
    for table in [stored, scores.outcomes] where !existing.contains(table) {
      throw CommandFailure(
        "the lake \(lake.root) has no table \(table.isEmpty ? "of records" : table) yet; "
          + "run the pipeline, and bring outcomes in with: lakeward models outcomes \(model.name) FILE")
    }
    let view = try onlyInput()
    try self.view(ofTable: stored, as: "_records", on: connection)
    try self.view(ofTable: scores.outcomes, as: "_outcomes", on: connection)
    let columns = Set(try connection.columns(of: "SELECT * FROM _records").map { $0.name.lowercased() })
    let absent = model.features.filter { !columns.contains($0.lowercased()) }
    guard absent.isEmpty else {
      throw CommandFailure("\(stored) has no column \(absent.joined(separator: ", ")), which \(model.name) learns from")
    }
    let rest = try absentKinds(in: "_records", as: view, on: connection)
    try connection.execute(
      """
      CREATE OR REPLACE TEMP VIEW \(SQL.quote(identifier: view)) AS
      SELECT r.*\(rest), o.outcome AS \(SQL.quote(identifier: model.label))
      FROM _records AS r JOIN _outcomes AS o
      ON CAST(r.\(SQL.quote(identifier: scores.patient)) AS VARCHAR) = o.patient_id
      AND r.\(SQL.quote(identifier: scores.time)) = o."time"
      """)
  }

  // MARK: Generated rows

  private static let generatedRows = 20_000
  private static let generatedPatients = 2_000

  private func generated(_ missing: [String]) -> String? {
    switch missing {
    case ["risk_labelled"]:
      RiskSimulator.labelledRows(Self.generatedRows, patients: Self.generatedPatients, seed: seed)
    case ["diabetes_labelled"]:
      DiabetesSimulator.labelledRows(Self.generatedPatients, patients: Self.generatedPatients, seed: seed)
    default: nil
    }
  }

  private func generate(_ csv: String, on connection: Connection) throws -> String {
    try lake.prepare()
    let path = "\(lake.temporaryFolder)/generated-\(UUID().uuidString).csv"
    temporaryFile = path
    try csv.write(toFile: path, atomically: false, encoding: .utf8)
    try view(of: path, on: connection)
    let rows = csv.utf8.reduce(-1) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
    source = "generated: \(rows) invented rows of \(Self.generatedPatients) invented patients, seed \(seed)"
    return "no labelled data: training on \(rows) generated rows"
  }
}
