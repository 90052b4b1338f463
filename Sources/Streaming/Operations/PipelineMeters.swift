internal import DeltaLake
internal import Observability
internal import Synchronization

/// One pipeline's metrics. docs/operations.md lists them.
final class PipelineMeters: Sendable {
  private let pipeline: String
  private let read: Counter
  private let quarantined: Counter
  private let duplicates: Counter
  private let batches: MetricFamily<Counter>
  private let rows: MetricFamily<Counter>
  private let bytes: MetricFamily<Counter>
  private let breaches: MetricFamily<Counter>
  private let checked: MetricFamily<Counter>
  private let late: Counter
  private let watermark: MetricFamily<Gauge>
  private let stageSeconds: MetricFamily<Histogram>
  private let batchSeconds: Histogram
  private let commitSeconds: Histogram
  private let lagRecords: MetricFamily<Gauge>
  private let lagSeconds: MetricFamily<Gauge>
  private let batchLimit: MetricFamily<Gauge>
  private let lastCommit: MetricFamily<Gauge>
  private let watermarkDelay: MetricFamily<Gauge>
  private let states: MetricFamily<Gauge>
  let overtaken: Counter
  let retries: Counter
  let maintenanceFailures: Counter

  init(_ metrics: MetricRegistry, pipeline: String) {
    self.pipeline = pipeline
    read =
      metrics.counter(
        "lakeward_records_read_total", "Records taken from the source", labels: "pipeline")[pipeline]
    quarantined =
      metrics.counter(
        "lakeward_records_quarantined_total", "Records put into quarantine", labels: "pipeline")[pipeline]
    duplicates =
      metrics.counter(
        "lakeward_records_duplicate_total", "Records dropped because they repeat an earlier one", labels: "pipeline")[
        pipeline]
    batches = metrics.counter(
      "lakeward_batches_total", "Micro-batches committed; kind is live, or catch_up after a crash",
      labels: "pipeline", "kind")
    rows = metrics.counter(
      "lakeward_table_rows_written_total", "Rows committed to a table", labels: "pipeline", "table")
    bytes = metrics.counter(
      "lakeward_table_bytes_written_total", "Bytes of data files committed to a table", labels: "pipeline", "table")
    breaches = metrics.counter(
      "lakeward_expectation_breaches_total", "Rows that broke a rule", labels: "pipeline", "table", "rule")
    checked = metrics.counter(
      "lakeward_expectation_checked_total", "Rows that a rule was asked about", labels: "pipeline", "table", "rule")
    late =
      metrics.counter(
        "lakeward_records_late_total", "Records that came after their partition's watermark", labels: "pipeline")[
        pipeline]
    watermark = metrics.gauge(
      "lakeward_watermark_timestamp_seconds", "Event time up to which records count as complete, seconds since 1970",
      labels: "pipeline")
    stageSeconds = metrics.histogram(
      "lakeward_batch_stage_seconds", "Time of one stage of a micro-batch", labels: "pipeline", "stage")
    batchSeconds =
      metrics.histogram(
        "lakeward_batch_seconds", "Time of a micro-batch from reading to the last commit", labels: "pipeline")[pipeline]
    commitSeconds =
      metrics.histogram(
        "lakeward_commit_seconds", "Time of a micro-batch's commits to all tables", labels: "pipeline")[pipeline]
    lagRecords = metrics.gauge(
      "lakeward_lag_records", "Records known to wait in the source", labels: "pipeline")
    lagSeconds = metrics.gauge(
      "lakeward_lag_seconds",
      "How long the oldest record of the last micro-batch waited until it was durable; 0 when nothing waits",
      labels: "pipeline")
    batchLimit = metrics.gauge(
      "lakeward_batch_records_limit", "The most records that a micro-batch may hold now", labels: "pipeline")
    lastCommit = metrics.gauge(
      "lakeward_last_commit_timestamp_seconds", "When tables were last committed to, seconds since 1970",
      labels: "pipeline")
    watermarkDelay = metrics.gauge(
      "lakeward_watermark_delay_seconds", "How far the newest event time lies behind the clock", labels: "pipeline")
    states = metrics.gauge(
      "lakeward_pipeline_state", "1 for what the pipeline is doing, 0 for the others", labels: "pipeline", "state")
    overtaken =
      metrics.counter(
        "lakeward_overtaken_total", "Micro-batches dropped because another process committed them", labels: "pipeline")[
        pipeline]
    retries =
      metrics.counter(
        "lakeward_retries_total", "Failures outside that were waited for", labels: "pipeline")[pipeline]
    maintenanceFailures =
      metrics.counter(
        "lakeward_maintenance_failures_total", "Times that small files could not be joined or old ones not deleted",
        labels: "pipeline")[pipeline]
  }

  func set(_ state: PipelineState) {
    for other in PipelineState.allCases { states[pipeline, other.rawValue].set(other == state ? 1.0 : 0) }
  }

  func setLag(records: Int64?, seconds: Double?) {
    if let records { lagRecords[pipeline].set(records) }
    if let seconds { lagSeconds[pipeline].set(seconds) }
  }

  func take(_ report: BatchReport, quarantined: Int64, lagSeconds: Double?, now: Int64) {
    if !report.isCatchUp { read.add(report.records) }
    self.quarantined.add(quarantined)
    duplicates.add(report.duplicates)
    batches[pipeline, report.isCatchUp ? "catch_up" : "live"].add()
    for (table, count) in report.rows { rows[pipeline, table].add(count) }
    for (table, written) in report.written { bytes[pipeline, table].add(written.bytes) }
    for (rule, count) in report.breaches {
      let parts = rule.split(separator: ".", maxSplits: 1).map(String.init)
      breaches[pipeline, parts.first ?? "", parts.last ?? ""].add(count)
    }
    for count in report.expectations {
      checked[pipeline, count.table, count.rule].add(count.checked)
    }
    late.add(report.late)
    if let time = report.watermark { watermark[pipeline].set(Double(time) / 1e6) }
    for (stage, seconds) in report.seconds { stageSeconds[pipeline, stage].observe(seconds) }
    batchSeconds.observe(report.totalSeconds)
    if let seconds = report.seconds["commit"] { commitSeconds.observe(seconds) }
    // The partition that is furthest behind holds the watermark back.
    let live = report.newestEventTimes.filter { $0.key < Backfills.firstPartition }
    if !report.isCatchUp, let oldest = live.values.min() {
      watermarkDelay[pipeline].set(max(0, Double(now - oldest) / 1e6))
    }
    setLag(records: report.waitingRecords, seconds: lagSeconds)
    if let limit = report.batchLimit { batchLimit[pipeline].set(limit) }
    lastCommit[pipeline].set(Double(now) / 1e6)
  }
}

/// Files, bytes and versions of a pipeline's tables, read from their newest snapshots when somebody asks.
final class TableMeters: Sendable {
  private let pipeline: String
  private let tables: [String: DeltaTable]
  private let files: MetricFamily<Gauge>
  private let bytes: MetricFamily<Gauge>
  private let version: MetricFamily<Gauge>
  private let seen = Mutex<[String: Int64]>([:])

  init(_ metrics: MetricRegistry, pipeline: String, tables: [String: DeltaTable]) {
    self.pipeline = pipeline
    self.tables = tables
    files = metrics.gauge("lakeward_table_files", "Live data files of a table", labels: "pipeline", "table")
    bytes = metrics.gauge("lakeward_table_bytes", "Bytes of a table's live data files", labels: "pipeline", "table")
    version = metrics.gauge("lakeward_table_version", "Newest version of a table", labels: "pipeline", "table")
  }

  func collect() {
    for (name, table) in tables {
      guard let snapshot = try? table.snapshot(), seen.withLock({ $0[name] }) != snapshot.version else { continue }
      files[pipeline, name].set(snapshot.files.count)
      bytes[pipeline, name].set(snapshot.sizeInBytes)
      version[pipeline, name].set(snapshot.version)
      seen.withLock { $0[name] = snapshot.version }
    }
  }
}
