/// Areas of postal codes with the same first three digits in which 20,000 people or fewer live: their digits become 000
/// (45 CFR 164.514(b)(2)(i)(B)).
public enum SmallAreas {
  /// The seventeen areas of the census of 2000 that the guidance of the Department of Health and Human Services names
  /// (26 November 2012), and four that tools name by the census of 2010. An area more costs detail, an area too few
  /// breaks the rule: who has newer figures gives a list of their own.
  public static let known: Set<String> = [
    "036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878", "879", "884", "890",
    "893", "205", "369", "753", "772",
  ]

  /// The areas of a text: three digits each, separated by anything else; nil if there are other numbers in it.
  public static func parse(_ text: String) -> Set<String>? {
    let words = text.split { !$0.isASCII || !$0.isNumber }.map(String.init)
    return words.isEmpty || words.contains { $0.count != 3 } ? nil : Set(words)
  }
}
