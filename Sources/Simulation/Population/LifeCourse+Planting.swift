/// What a teacher wants to be found: outbreaks and readmissions. They come from a random generator of their own, so that
/// everything else about a person stays as it is.
extension LifeCourse {
  /// A stay in a hospital.
  struct Stay {
    /// How a stay follows another one.
    enum Kind: String {
      /// It follows none within two months.
      case admission
      /// Unplanned, within 30 days.
      case unplanned
      /// Within 30 days for care that is always planned.
      case planned
      /// Unplanned, but later than 30 days.
      case late
      /// Goes on in another hospital within a day.
      case transfer
    }

    let kind: Kind
    let seconds: Int64
    /// The number of the stay that it follows.
    let follows: Int?
    /// This stay's number among the person's.
    let number: Int
  }

  /// No stay of chance begins within so many days after another, so that every readmission is a planted one.
  private static let quietDays: Int32 = 46
  /// What multiplies a hospital's chance of an unplanned return for people with no chronic disease, one, two, and more.
  private static let burden = [0.5, 1, 1.7, 2.4]

  /// Adds the cases of outbreaks in the person's county.
  mutating func plant(_ outbreaks: [Outbreak], county: String, _ random: inout SeededRandom) -> [(Outbreak, Int32)] {
    var cases: [(Outbreak, Int32)] = []
    for outbreak in outbreaks where outbreak.county == county {
      guard let day = outbreak.onset(&random), day >= firstDay, day <= lastDay,
        !episodes.contains(where: { $0.disease == outbreak.disease && abs($0.firstDay - day) <= 91 })
      else { continue }
      addEpisode(disease: outbreak.disease, firstDay: day, &random)
      cases.append((outbreak, day))
    }
    sortVisits()
    return cases
  }

  /// Decides which grave diseases lead into a hospital, and what follows.
  mutating func plantStays(in organization: Organization, _ random: inout SeededRandom) {
    var lastEnd = Int32.min / 2
    var number = 0
    for position in visits.indices {
      let visit = visits[position]
      guard case .acuteDisease(let episode) = visit.reason, episodes[episode].isGrave,
        visit.day > lastEnd + Self.quietDays
      else { continue }
      let length = (1 + Double(episodes[episode].severity) * 3) * organization.stayFactor
      let seconds = Int64(86_400 * length)
      visits[position].stay = Stay(kind: .admission, seconds: seconds, follows: nil, number: number)
      let end = visit.start + seconds
      let endDay = Int32(truncatingIfNeeded: end.floorDivided(by: 86_400))
      lastEnd = endDay
      if let last = plantReturn(number, endDay, end, episode, organization, &random) {
        lastEnd = last
        number += 1
      }
      number += 1
    }
    sortVisits()
  }

  /// Adds what follows a stay, if anything does; the day on which that ends.
  private mutating func plantReturn(
    _ index: Int, _ endDay: Int32, _ end: Int64, _ episode: Int, _ organization: Organization,
    _ random: inout SeededRandom
  ) -> Int32? {
    let draw = random.uniform()
    let diseases = chronicDiseases(on: endDay)
    let chance = organization.readmissionChance * Self.burden[min(diseases, Self.burden.count - 1)]
    let gap = Int32(random.integer(below: 30))
    let length = Int64(86_400 * random.uniform(in: 1.2...5))
    let kind: Stay.Kind
    let start: Int64
    switch draw {
    case ..<chance: (kind, start) = (.unplanned, morning(endDay + 1 + gap, &random))
    case ..<(chance + 0.03): (kind, start) = (.planned, morning(endDay + 1 + gap, &random))
    case ..<(chance + 0.07): (kind, start) = (.late, morning(endDay + 31 + gap, &random))
    case ..<(chance + 0.09): (kind, start) = (.transfer, end + 3_600)
    default: return nil
    }
    var visit = Visit(start: start, reason: .returned(episode: episode))
    guard visit.day <= lastDay else { return nil }
    visit.stay = Stay(kind: kind, seconds: length, follows: index, number: index + 1)
    visits.append(visit)
    return Int32(truncatingIfNeeded: (start + length).floorDivided(by: 86_400))
  }

  private func morning(_ day: Int32, _ random: inout SeededRandom) -> Int64 {
    Int64(day) * 86_400 + Int64(7 * 3_600 + random.integer(below: 12 * 3_600))
  }
}

extension LifeCourse.Episode {
  /// Whether it is a disease, and grave enough, for a bed in a hospital.
  var isGrave: Bool { isEmergency && severity > 0.9 }

  /// Whether it is a disease that nobody treats in a surgery.
  var isEmergency: Bool {
    ["91302008", "74400008", "74474003", "233604007"].contains(Disease.acute[disease].code)
  }
}
