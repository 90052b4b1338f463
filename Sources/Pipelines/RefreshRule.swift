/// How often a running pipeline brings a materialized view up to date.
///
/// A refresh takes everything that the inputs have gained since the one before, so a longer span means fewer, larger
/// refreshes and older rows.
public struct RefreshRule: Sendable, Hashable {
  /// The least number of seconds between the ends of two refreshes; nil: only when `lakeward refresh` asks for it.
  public var everySeconds: Double?

  /// A rule; nil for views that are refreshed on demand alone.
  public init(everySeconds: Double?) { self.everySeconds = everySeconds }

  /// The rule of a view that says nothing: 10 seconds for a view whose touched partitions alone are computed again,
  /// and a minute for one that is computed whole.
  init(isPartitioned: Bool) { everySeconds = isPartitioned ? 10 : 60 }

  /// Reads `{ every: SPAN | never }`.
  init?(_ node: YAMLNode, _ problems: ProblemList) {
    guard var reader = MappingReader(node, what: "refresh", problems: problems) else { return nil }
    let every = reader.requiredNode("every")
    let seconds = every?.text == "never" ? nil : every == nil ? nil : reader.seconds("every", in: 0...31_536_000)
    reader.finish()
    guard every != nil else { return nil }
    everySeconds = seconds
  }
}
