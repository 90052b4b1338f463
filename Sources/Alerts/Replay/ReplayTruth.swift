internal import DuckDB
internal import Foundation

/// What really happened to patients: labelled deteriorations, as `lakeward simulate vitals` writes them beside its
/// records, or as somebody has labelled them.
public struct ReplayTruth: Sendable, Hashable {
  /// One labelled deterioration. Times are event times, microseconds since 1970.
  public struct Episode: Sendable, Hashable {
    /// The patient.
    public var patient: String
    /// What it was, in words.
    public var kind: String
    /// The first change.
    public var onset: Int64
    /// Full severity: what an alert should come before.
    public var peak: Int64
    /// The patient is as before.
    public var end: Int64

    /// An episode from its parts.
    public init(patient: String, kind: String, onset: Int64, peak: Int64, end: Int64) {
      self.patient = patient
      self.kind = kind
      self.onset = onset
      self.peak = peak
      self.end = end
    }
  }

  /// The deteriorations.
  public var episodes: [Episode]
  /// The patients of whom it is known whether they deteriorated; nothing is known of others.
  public var patients: Set<String>

  /// A truth from its parts.
  public init(episodes: [Episode], patients: Set<String>) {
    self.episodes = episodes
    self.patients = patients.union(episodes.map(\.patient))
  }

  /// Reads `_episodes.csv` (`patient_id,…,kind,…,onset,peak,…,end`) and, for the patients who are known,
  /// `_movements.csv` (`patient_id,…`) of a folder; nil if the first is not there.
  static func read(_ folder: String, _ run: PolicyEvaluator.Run) throws -> ReplayTruth? {
    let episodes = folder + "/_episodes.csv"
    let movements = folder + "/_movements.csv"
    guard FileManager.default.fileExists(atPath: episodes) else { return nil }
    func csv(_ file: String) -> String { "read_csv(\(SQL.quote(literal: file)), header = true, all_varchar = true)" }
    func micros(_ column: String) -> String { "epoch_us(CAST(\"\(column)\" AS TIMESTAMPTZ))" }
    let rows = try run(
      "SELECT patient_id, kind, \(micros("onset")), \(micros("peak")), \(micros("end")) FROM \(csv(episodes)) ORDER BY 3, 1"
    )
    let found = rows.compactMap { row -> Episode? in
      guard let patient = row[0].stringValue, let onset = row[2].intValue, let peak = row[3].intValue,
        let end = row[4].intValue
      else { return nil }
      return Episode(
        patient: patient, kind: row[1].stringValue ?? "", onset: Int64(onset), peak: Int64(peak), end: Int64(end))
    }
    var patients: Set<String> = []
    if FileManager.default.fileExists(atPath: movements) {
      patients = Set(try run("SELECT DISTINCT patient_id FROM \(csv(movements))").compactMap { $0[0].stringValue })
    }
    return ReplayTruth(episodes: found, patients: patients)
  }
}
