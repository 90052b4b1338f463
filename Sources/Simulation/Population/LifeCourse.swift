import Clinical

/// What happens to a person in the simulated years: visits, acute diseases, diagnoses. A function of the seed and the
/// person's number alone.
struct LifeCourse {
  /// One case of an acute disease.
  struct Episode {
    /// Position in ``Disease/acute``.
    let disease: Int
    let severity: Float
    let firstDay: Int32
    let lastDay: Int32
  }

  /// Why somebody comes to an encounter.
  enum Reason {
    case checkUp
    case chronicCare
    case acuteDisease(episode: Int)
    case recovered(episode: Int)
    /// A stay in a hospital after an earlier one for this disease.
    case returned(episode: Int)
    /// A complaint without a disease behind it.
    case complaint
  }

  struct Visit {
    /// Start in seconds since 1970-01-01 UTC.
    let start: Int64
    let reason: Reason
    /// The stay in a hospital that it is, if any.
    var stay: Stay?

    var day: Int32 { Int32(truncatingIfNeeded: start.floorDivided(by: 86_400)) }
  }

  let firstDay: Int32
  /// The last simulated day of everybody.
  let dataEnd: Int32
  /// The last simulated day, or the day of death.
  let lastDay: Int32
  let death: Int32?
  private(set) var episodes: [Episode] = []
  var visits: [Visit] = []

  private let person: Person
  private let span: Double

  init(person: Person, firstDay: Int32, lastDay: Int32, random: inout SeededRandom) {
    self.person = person
    span = Double(lastDay - firstDay)
    dataEnd = lastDay
    let death = person.death.map { firstDay + Int32($0 * Double(lastDay - firstDay)) }
    self.death = death.map { max($0, person.birth.days + 1) }
    self.firstDay = max(firstDay, person.birth.days + 2)
    self.lastDay = max(self.firstDay, self.death ?? lastDay)
    addCheckUps(&random)
    addAcuteDiseases(&random)
    addComplaints(&random)
    sortVisits()
  }

  /// Puts the visits into the order in which they happen.
  mutating func sortVisits() { visits.sort { $0.start < $1.start } }

  /// The disease that a visit is about, if it is about an acute one.
  func acuteDisease(of visit: Visit) -> Disease? {
    switch visit.reason {
    case .acuteDisease(let episode), .returned(let episode): Disease.acute[episodes[episode].disease]
    case .checkUp, .chronicCare, .recovered, .complaint: nil
    }
  }

  /// Makes sure that something happens on the last day: the day on which every measure ends.
  mutating func addClosingVisit() {
    visits.append(Visit(start: Int64(lastDay) * 86_400 + 43_200, reason: .complaint))
  }

  /// The day on which a chronic disease began; it may lie before the simulated years.
  func onsetDay(of chronic: Person.ChronicCase) -> Int32 {
    firstDay + Int32((chronic.onset * 1.8 - 0.8) * span)
  }

  /// How many chronic diseases the person has on a day, known to a doctor or not.
  func chronicDiseases(on day: Int32) -> Int { person.chronic.count { onsetDay(of: $0) <= day } }

  /// Levels of the person during a visit.
  ///
  /// - Parameter treated: For each of the person's chronic diseases whether treatment has begun.
  func levels(at visit: Visit, treated: [Bool], random: inout SeededRandom) -> Levels {
    let age = Double(visit.day - person.birth.days) / 365.2425
    var levels = person.healthy(ageYears: age)
    for (position, illness) in person.chronic.enumerated() where onsetDay(of: illness) <= visit.day {
      let disease = Disease.chronic[illness.disease]
      let remains = treated[position] ? disease.remainsUnderTreatment : 1
      levels += disease.effect * (illness.severity * remains)
    }
    switch visit.reason {
    case .acuteDisease(let episode):
      levels += Disease.acute[episodes[episode].disease].effect * episodes[episode].severity
    case .recovered(let episode), .returned(let episode):
      levels += Disease.acute[episodes[episode].disease].effect * 0.12
    case .complaint:
      levels += Physiology.arousal * Float(random.uniform(in: 0.2...1.2))
    case .checkUp, .chronicCare:
      break
    }
    return levels
  }

  private mutating func addVisit(day: Int32, _ reason: Reason, _ random: inout SeededRandom) {
    guard day >= firstDay, day <= lastDay else { return }
    let secondOfDay = 7 * 3_600 + random.integer(below: 12 * 3_600)
    visits.append(Visit(start: Int64(day) * 86_400 + Int64(secondOfDay), reason: reason))
  }

  private mutating func addCheckUps(_ random: inout SeededRandom) {
    let hasChronic = !person.chronic.isEmpty
    var day = firstDay + Int32(random.integer(below: 300))
    while day <= lastDay {
      addVisit(day: day, .checkUp, &random)
      if hasChronic, random.chance(0.5) {
        addVisit(day: day + 90 + Int32(random.integer(below: 180)), .chronicCare, &random)
      }
      let age = Double(day - person.birth.days) / 365.2425
      day += (age < 3 ? 110 : 340) + Int32(random.integer(below: age < 3 ? 40 : 120))
    }
  }

  private mutating func addAcuteDiseases(_ random: inout SeededRandom) {
    // Young children and the old are ill more often.
    let age = person.ageYears
    let perYear = age < 6 ? 0.55 : age > 70 ? 0.5 : 0.36
    var day = Double(firstDay)
    while true {
      day -= logarithm(1 - random.uniform()) * 365.2425 / perYear
      guard day <= Double(lastDay) else { return }
      let disease = Disease.randomAcute(&random)
      day = Double(addEpisode(disease: disease, firstDay: Int32(day), &random))
    }
  }

  /// Adds a case of an acute disease with its visits; the day on which it ends.
  @discardableResult
  mutating func addEpisode(disease: Int, firstDay first: Int32, _ random: inout SeededRandom) -> Int32 {
    guard case .acute(let days, _) = Disease.acute[disease].course else { return first }
    let length = Int32(days.lowerBound + random.integer(below: days.upperBound - days.lowerBound + 1))
    episodes.append(
      Episode(disease: disease, severity: Disease.randomSeverity(&random), firstDay: first, lastDay: first + length))
    addVisit(day: first, .acuteDisease(episode: episodes.count - 1), &random)
    if random.chance(0.4) {
      let after = first + length + 2 + Int32(random.integer(below: 20))
      addVisit(day: after, .recovered(episode: episodes.count - 1), &random)
    }
    return first + length
  }

  private mutating func addComplaints(_ random: inout SeededRandom) {
    var day = Double(firstDay)
    while true {
      day -= logarithm(1 - random.uniform()) * 365.2425 / 0.3
      guard day <= Double(lastDay) else { return }
      addVisit(day: Int32(day), .complaint, &random)
    }
  }
}
