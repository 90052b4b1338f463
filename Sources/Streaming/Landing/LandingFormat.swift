/// What a landing file holds, by the end of its name.
public enum LandingFormat: Sendable, Hashable {
  /// One JSON object per line; whatever has no other known ending.
  case ndjson
  /// Rows under a header: `.csv`, `.tsv`.
  case csv
  /// `.parquet`.
  case parquet

  /// The format of a file, and whether it is compressed (`.gz` behind the format's ending).
  public static func of(_ path: String) -> (format: LandingFormat, isCompressed: Bool) {
    var name = path.lowercased()[...]
    let isCompressed = name.hasSuffix(".gz")
    if isCompressed { name = name.dropLast(3) }
    if name.hasSuffix(".csv") || name.hasSuffix(".tsv") { return (.csv, isCompressed) }
    if name.hasSuffix(".parquet") { return (.parquet, false) }
    return (.ndjson, isCompressed)
  }

  /// Whether a file is taken as a whole when it is complete, and cannot grow: its rows are no pieces of its bytes.
  static func isWhole(_ path: String) -> Bool {
    let (format, isCompressed) = of(path)
    return isCompressed || format == .parquet
  }
}
