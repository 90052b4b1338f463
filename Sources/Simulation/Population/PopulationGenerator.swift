public import Clinical

/// Writes an invented population as Synthea's eighteen CSV files: people with hidden diseases and what happens to them, in
/// the column layout of Synthea's current releases and by its rules (UTF-8, no quoting, no comma inside a field, an empty
/// STOP for what is still active).
///
/// Readmissions, gaps in medication and outbreaks are planted; the folder `truth` beside the files says which.
///
/// The same options give the same bytes. Memory does not grow with the number of patients.
public struct PopulationGenerator: Sendable {
  /// Seed of everything random; ``IllnessRecordSimulator`` with the same seed is about the same people.
  public let seed: UInt64
  /// Number of patients.
  public let patients: Int
  /// How many years before ``lastDay`` the encounters go back.
  public let years: Int
  /// The last simulated day.
  public let lastDay: CivilDate

  /// A generator; nothing is written yet.
  public init(
    seed: UInt64, patients: Int, years: Int = 5, lastDay: CivilDate = CivilDate(year: 2025, month: 12, day: 31)
  ) {
    self.seed = seed
    self.patients = max(0, patients)
    self.years = max(1, years)
    self.lastDay = lastDay
  }

  /// Writes the CSV files into `folder`, which is created if it is not there and must hold no CSV file.
  ///
  /// - Parameter progress: Called now and then with the number of patients written so far.
  public func write(
    to folder: String, progress: ((_ patients: Int) -> Void)? = nil
  ) throws(SimulationError) -> PopulationSummary {
    let files = try PopulationFiles(folder: folder)
    let outbreaks = Outbreak.planted(lastDay: lastDay)
    try files.truth.write(outbreaks)
    var summary = PopulationSummary()
    var isClosed = false
    let firstDay = lastDay.days - Int32(Double(years) * 365.2425)
    for index in 0..<patients {
      let person = Person(seed: seed, index: index)
      var random = SeededRandom(seed: seed, stream: UInt64(index) &* 2 &+ 1)
      let life = LifeCourse(person: person, firstDay: firstDay, lastDay: lastDay.days, random: &random)
      // The first patient who is alive at the end is seen on the last day.
      let closes = !isClosed && life.death == nil
      if closes { isClosed = true }
      var history = PatientHistory(
        person: person, life: life, random: random,
        care: SeededRandom(seed: seed ^ 0xCA2E_0000_0000_0000, stream: UInt64(index)), outbreaks: outbreaks,
        closes: closes)
      try history.write(to: files, summary: &summary)
      summary.patients += 1
      if summary.patients % 1_000 == 0 { progress?(summary.patients) }
    }
    (summary.rows, summary.bytes) = try files.close()
    progress?(summary.patients)
    return summary
  }
}

/// How much a population has of what.
public struct PopulationSummary: Sendable, Hashable {
  /// Rows of patients.csv.
  public internal(set) var patients = 0
  /// Encounters at which a diagnosed disease was active.
  public internal(set) var encountersWithDisease = 0
  /// Rows by file name without `.csv`.
  public internal(set) var rows: [String: Int] = [:]
  /// Bytes of all files together.
  public internal(set) var bytes = 0

  /// Rows of encounters.csv.
  public var encounters: Int { rows["encounters"] ?? 0 }
  /// Rows of conditions.csv, findings that are no disease included.
  public var conditions: Int { rows["conditions"] ?? 0 }
  /// Rows of observations.csv.
  public var observations: Int { rows["observations"] ?? 0 }
  /// Rows of medications.csv.
  public var medications: Int { rows["medications"] ?? 0 }
}
