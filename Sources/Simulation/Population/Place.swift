/// A town that simulated people live in (public geography of Massachusetts, as in Synthea's default).
struct Place: Sendable {
  let city: String
  let county: String
  let fips: String
  let zip: String
  let latitude: String
  let longitude: String

  static let all = [
    Place(
      city: "Boston", county: "Suffolk County", fips: "25025", zip: "02118", latitude: "42.338551",
      longitude: "-71.070761"),
    Place(
      city: "Worcester", county: "Worcester County", fips: "25027", zip: "01604", latitude: "42.254219",
      longitude: "-71.774437"),
    Place(
      city: "Springfield", county: "Hampden County", fips: "25013", zip: "01108", latitude: "42.084748",
      longitude: "-72.558259"),
    Place(
      city: "Cambridge", county: "Middlesex County", fips: "25017", zip: "02139", latitude: "42.364688",
      longitude: "-71.104082"),
    Place(
      city: "Lowell", county: "Middlesex County", fips: "25017", zip: "01851", latitude: "42.631543",
      longitude: "-71.332843"),
    Place(
      city: "New Bedford", county: "Bristol County", fips: "25005", zip: "02740", latitude: "41.632853",
      longitude: "-70.944763"),
    Place(
      city: "Quincy", county: "Norfolk County", fips: "25021", zip: "02169", latitude: "42.248892",
      longitude: "-71.001178"),
    Place(
      city: "Salem", county: "Essex County", fips: "25009", zip: "01970", latitude: "42.512946", longitude: "-70.904237"
    ),
  ]
}

/// Who pays for encounters.
struct Payer: Sendable {
  let identifier: SimulatedUUID
  let name: String
  let ownership: String
  /// The share of a cost that is covered, in percent.
  let coveredPercent: Int

  static let all: [Payer] = {
    var random = SeededRandom(seed: 0x0A11_CE01)
    return [
      ("Medicare", "GOVERNMENT", 80), ("Medicaid", "GOVERNMENT", 95), ("Private Health Fund", "PRIVATE", 75),
      ("Mutual Care", "PRIVATE", 70), ("NO_INSURANCE", "NO_INSURANCE", 0),
    ].map { name, ownership, percent in
      Payer(identifier: SimulatedUUID(random: &random), name: name, ownership: ownership, coveredPercent: percent)
    }
  }()
}

/// Names for invented people; digits are added as Synthea does, so that nobody mistakes them for real ones.
enum PersonName {
  private static let female = [
    "Ada", "Clara", "Elena", "Grace", "Iris", "Karin", "Mia", "Olivia", "Rosa", "Tara", "Uma", "Wanda", "Yara",
  ]
  private static let male = [
    "Ben", "Daniel", "Felix", "Hugo", "Jonas", "Liam", "Noah", "Paul", "Quinn", "Samuel", "Victor", "Xavier", "Zeno",
  ]
  static let last = [
    "Abbott", "Becker", "Castro", "Dunn", "Ebert", "Farrell", "Gomez", "Hughes", "Ivanov", "Jensen", "Keller",
    "Lopez", "Meyer", "Nolan", "Okafor", "Perez", "Quigley", "Reyes", "Stone", "Torres", "Ueda", "Vogel", "Walsh",
    "Young", "Zimmer",
  ]

  static func first(_ sex: Sex) -> [String] { sex == .female ? female : male }
}
