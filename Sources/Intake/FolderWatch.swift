import Foundation

/// Imports what comes into folders, for as long as it is asked to.
///
/// A file is taken when it has rested for a while. A file that was taken is looked at again only when its size or time has
/// changed; after a restart its content is recognised by its fingerprint, so nothing comes twice.
public final class FolderWatch {
  private let importer: Importer
  private let folders: [String]
  private let settleSeconds: Double
  private var seen: Set<FoundFile> = []

  /// - Parameter settleSeconds: How long a file must have rested.
  public init(importer: Importer, folders: [String], settleSeconds: Double = 2) {
    self.importer = importer
    self.folders = folders
    self.settleSeconds = settleSeconds
  }

  /// Imports what is new since the last round.
  ///
  /// - Returns: what it brought; nil: there was nothing new.
  /// - Throws: as ``Importer/run(_:progress:)``; the next round tries again.
  public func round(progress: ((ImportProgress) -> Void)? = nil) throws -> ImportReport? {
    let rested = Int64((Date().timeIntervalSince1970 - settleSeconds) * 1e9)
    var fresh: [FoundFile] = []
    for folder in folders {
      fresh += try SourceFolder.files(in: folder).filter { $0.modified <= rested && !seen.contains($0) }
    }
    guard !fresh.isEmpty else { return nil }
    let report = try importer.run(fresh, progress: progress)
    seen.formUnion(fresh)
    return report
  }
}
