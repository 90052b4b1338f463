internal import DeltaLake

/// What must be loaded so that BigQuery has what a table of the lake has. Pure.
enum LoadPlan: Equatable {
  /// Nothing has changed.
  case nothing
  /// Every row: the table is written anew.
  case whole
  /// The rows of these files are added.
  case append([AddFile])
  /// These days of the partition column are written anew.
  case days([String])

  /// The most partitions that are replaced one by one; more cost less when the table is written anew.
  static let mostDays = 400

  /// - Parameters:
  ///   - loaded: The version that BigQuery has; nil: none.
  ///   - appended: Files that came between the versions; nil if rows went too, or nobody can tell.
  ///   - changed: Files whose rows came or went; nil if nobody can tell.
  ///   - column: The column by whose days the table is partitioned in BigQuery, if it is, as partition values name it.
  static func make(loaded: Int64?, appended: [AddFile]?, changed: [AddFile]?, column: String?) -> LoadPlan {
    guard loaded != nil else { return .whole }
    if let appended { return appended.isEmpty ? .nothing : .append(appended) }
    guard let changed, let column else { return .whole }
    if changed.isEmpty { return .nothing }
    var days: Set<String> = []
    for file in changed {
      guard let value = file.partitionValues[column] ?? nil else { return .whole }
      days.insert(value)
    }
    return days.count > mostDays ? .whole : .days(days.sorted())
  }
}
