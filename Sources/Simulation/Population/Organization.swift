/// A hospital of the simulation with its providers. All populations have the same ones.
struct Organization: Sendable {
  /// Somebody who sees patients there.
  struct Provider: Sendable {
    let identifier: SimulatedUUID
    let name: String
    let sex: Sex
    let speciality: String
  }

  let identifier: SimulatedUUID
  let name: String
  let place: Place
  let number: Int
  let providers: [Provider]
  /// Chance that an inpatient stay there is followed by a planted unplanned return within 30 days.
  let readmissionChance: Double
  /// How long stays there are, beside the usual.
  let stayFactor: Double

  /// Hospitals of each place; ``all`` has them place by place.
  static let perPlace = 4
  /// How many of a place's people go to its first, second, … hospital.
  private static let shares = [0.4, 0.3, 0.2, 0.1]
  /// The hospitals that stand out on purpose: from one too many come back, in the other people stay too long.
  static let outlierOfReadmission = 5
  static let outlierOfStay = 8

  static let all: [Organization] = {
    var random = SeededRandom(seed: 0x0A11_CE00)
    return Place.all.enumerated().flatMap { position, place in
      ["GENERAL", "COMMUNITY", "DISTRICT", "TEACHING"].enumerated().map { rank, kind in
        let number = position * perPlace + rank
        return Organization(
          identifier: SimulatedUUID(random: &random), name: "\(place.city.uppercased()) \(kind) HOSPITAL", place: place,
          number: number, providers: providers(number, &random),
          readmissionChance: number == outlierOfReadmission ? 0.34 : 0.13,
          stayFactor: number == outlierOfStay ? 1.7 : 0.9 + 0.2 * random.uniform())
      }
    }
  }()

  /// The hospital that somebody of this place goes to.
  static func random(ofPlace place: Int, _ random: inout SeededRandom) -> Int {
    var left = random.uniform()
    for (rank, share) in shares.enumerated() {
      left -= share
      if left < 0 { return place * perPlace + rank }
    }
    return place * perPlace
  }

  private static func providers(_ number: Int, _ random: inout SeededRandom) -> [Provider] {
    ["GENERAL PRACTICE", "INTERNAL MEDICINE", "INTERNAL MEDICINE", "EMERGENCY MEDICINE"].enumerated().map {
      rank, speciality in
      let sex: Sex = random.chance(0.5) ? .female : .male
      let names = PersonName.first(sex)
      let first = names[(number + rank * 5) % names.count]
      let last = PersonName.last[(number * 3 + rank * 7) % PersonName.last.count]
      return Provider(
        identifier: SimulatedUUID(random: &random), name: "\(first)\(100 + number) \(last)\(200 + rank)", sex: sex,
        speciality: speciality)
    }
  }
}
