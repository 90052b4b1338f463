/// Where BigQuery is: `bigquery:` in `lakeward.yml`.
public struct BigQueryConfiguration: Sendable, Hashable {
  /// Google Cloud project.
  public var project: String
  /// Dataset that tables are mirrored to.
  public var dataset = "patient_data"
  /// Where a new dataset lies, such as `EU`.
  public var location: String?
  /// A service account's file, `metadata` or `none`; nil: as Google's tools choose.
  public var credentials: String?
  /// Address of the service; nil: Google's own.
  public var endpoint: String?

  /// A project with the usual settings.
  public init(project: String) { self.project = project }

  init?(_ node: YAMLNode, _ problems: ProblemList, _ resolved: (String) -> String) {
    guard var reader = MappingReader(node, what: "bigquery", problems: problems) else { return nil }
    project = reader.requiredText("project") ?? ""
    dataset = reader.text("dataset") ?? dataset
    location = reader.text("location")
    credentials = reader.text("credentials").map { ["metadata", "none"].contains($0) ? $0 : resolved($0) }
    endpoint = reader.text("endpoint")
    reader.finish()
    for (key, value) in [("project", project), ("dataset", dataset)] where !Self.isName(value) {
      problems.add(
        at: node.location, "\(key) cannot be '\(value)'", remedy: "use letters, digits, underscores and hyphens")
    }
  }

  private static func isName(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        let character = Character(Unicode.Scalar(byte))
        return character.isASCII && (character.isLetter || character.isNumber || "_-.:".contains(character))
      }
  }
}
