import Foundation
import Synchronization

/// Finds the store of a location.
public enum ObjectStores {
  /// The store for a path or URI.
  ///
  /// `hdfs:` locations fall back to a folder below `LAKEWARD_HDFS_FALLBACK` if that is set.
  /// - Throws: `invalidArgument` for a scheme that has no store.
  public static func store(for location: String) throws(DeltaError) -> any ObjectStore {
    guard !location.isEmpty else { throw DeltaError(.invalidArgument, "the path of the table is empty") }
    if location.hasPrefix("file:") || !FilePath.isAbsolute(location) || location.hasPrefix("/") {
      return LocalStore(location)
    }
    if ["s3://", "s3a://", "gs://"].contains(where: location.hasPrefix) {
      guard let configuration = S3Store.Configuration() else {
        throw DeltaError(
          .invalidArgument, "\(location): there are no keys for the object store",
          hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_ENDPOINT_URL for a store other than AWS")
      }
      return try S3Store(location, configuration)
    }
    if ["hdfs://", "webhdfs://", "swebhdfs://"].contains(where: location.hasPrefix) {
      let store = try WebHDFSStore(location, WebHDFSStore.Configuration())
      guard let folder = fallbackFolder(location) else { return store }
      return FallbackStore(store, folder: folder, warn: warn)
    }
    throw DeltaError(
      .invalidArgument, "\(location): no store is known for this kind of location",
      hint: "use a path, or a URI with file:, s3: or hdfs:")
  }

  /// Carries over what was written to the local folder while a store could not be reached.
  ///
  /// - Returns: nil for a location without a configured folder.
  /// - Throws: `unreachable` while the store cannot be reached.
  public static func sync(_ location: String) throws(DeltaError) -> FallbackStore.SyncReport? {
    guard let store = try store(for: location) as? FallbackStore else { return nil }
    return try store.sync()
  }

  /// Where writes to an `hdfs:` location go while it cannot be reached; nil if nowhere.
  static func fallbackFolder(_ location: String) -> String? {
    let root = ProcessInfo.processInfo.environment["LAKEWARD_HDFS_FALLBACK"] ?? ""
    guard !root.isEmpty, let colon = location.range(of: "://") else { return nil }
    return root + "/" + location[colon.upperBound...].split(separator: "/").joined(separator: "/")
  }

  private static let known = Mutex<Set<String>>([])
  private static let handler = Mutex<@Sendable (String) -> Void>({ line in
    FileHandle.standardError.write(Data(("warning: " + line + "\n").utf8))
  })

  /// Sets what becomes of warnings, one line each; without it they go to standard error.
  public static func onWarning(_ handle: @escaping @Sendable (String) -> Void) { handler.withLock { $0 = handle } }

  /// Says everything once.
  private static func warn(_ line: String) {
    guard known.withLock({ $0.insert(line).inserted }) else { return }
    handler.withLock { $0 }(line)
  }
}
