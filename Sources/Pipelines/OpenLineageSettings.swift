internal import Foundation

/// Who is told by OpenLineage what runs make of which tables: `openlineage:` in `lakeward.yml`.
public struct OpenLineageSettings: Sendable, Hashable {
  /// Where events are posted, with the path; nil: nowhere.
  public var url: String?
  /// The bearer token that goes with them.
  public var token: String?
  /// A file that gets one event per line; nil: none.
  public var file: String?
  /// The namespace of jobs, and of tables by their names.
  public var namespace = "lakeward"
  /// Seconds between two events of a running stream.
  public var intervalSeconds = 60.0

  /// Settings from their parts.
  public init(url: String? = nil, token: String? = nil, file: String? = nil) {
    self.url = url
    self.token = token
    self.file = file
  }

  init?(_ node: YAMLNode, _ problems: ProblemList, _ resolved: (String) -> String) {
    guard var reader = MappingReader(node, what: "openlineage", problems: problems) else { return nil }
    let place = reader.node("url")
    let path = reader.text("endpoint") ?? "api/v1/lineage"
    if let place, let text = Scalars.text(place, of: "url", problems) {
      if text.hasPrefix("http://") || text.hasPrefix("https://") {
        url = (text.hasSuffix("/") ? String(text.dropLast()) : text) + "/" + path
      } else {
        problems.add(at: place.location, "url is no address of a server", remedy: "write http://HOST:PORT")
      }
    }
    token = reader.text("token")
    if let node = reader.node("token_file"), let name = Scalars.text(node, of: "token_file", problems) {
      if let data = FileManager.default.contents(atPath: resolved(name)), !data.isEmpty {
        token = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
      } else {
        problems.add(at: node.location, "token_file cannot be read", remedy: "name a file that holds the token")
      }
    }
    file = reader.text("file").map(resolved)
    namespace = reader.text("namespace") ?? namespace
    intervalSeconds = reader.seconds("interval", in: 1...86_400) ?? intervalSeconds
    reader.finish()
    if url == nil, file == nil, place == nil {
      problems.add(
        at: node.location, "openlineage names no receiver", remedy: "add 'url: http://HOST:PORT' or 'file: …'")
    }
  }
}
