public import DeltaLake
internal import Foundation

/// A lake's folder and the Delta tables in it.
///
/// `tables/NAME` is a table that people query; `_splits/PIPELINE` is a landing directory's bookkeeping;
/// `_control/PIPELINE` says who runs a pipeline and whether it is paused.
public struct Lake: Sendable {
  /// The lake's folder.
  public let root: String
  /// Where tables are that are not in the folder, by name: a path, or a URI such as `hdfs://HOST:PORT/PATH`.
  public let places: [String: String]

  /// The lake in this folder, which need not exist yet.
  public init(root: String, places: [String: String] = [:]) {
    self.root = root
    self.places = places
  }

  /// Where the table of that name is or would be.
  public func location(ofTable name: String) -> String { places[name] ?? "\(root)/tables/\(name)" }

  /// Where a landing directory's table of splits is or would be.
  public func splitsLocation(pipeline: String) -> String { "\(root)/_splits/\(pipeline)" }

  /// Where a pipeline's lease, its pause and its status are.
  public func controlFolder(pipeline: String) -> String { "\(root)/_control/\(pipeline)" }

  /// Where a pipeline's backfills are named.
  public func backfillFolder(pipeline: String) -> String { "\(root)/_backfills/\(pipeline)" }

  /// Where the query engine may put what does not fit into memory.
  public var temporaryFolder: String { "\(root)/_temporary" }

  /// A path of the configuration: relative ones are inside the lake.
  public func resolve(_ path: String) -> String { path.hasPrefix("/") ? path : "\(root)/\(path)" }

  /// Names of the tables that exist, sorted.
  public func tableNames() throws(StreamingError) -> [String] {
    let elsewhere = places.keys.filter { DeltaTable.exists(at: location(ofTable: $0)) }
    return Set(try namesInFolder()).union(elsewhere).sorted()
  }

  private func namesInFolder() throws(StreamingError) -> [String] {
    let folder = "\(root)/tables"
    guard FileManager.default.fileExists(atPath: folder) else { return [] }
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder)
        .filter { DeltaTable.exists(at: location(ofTable: $0)) }.sorted()
    } catch {
      throw .fileSystem(path: folder, operation: "list the tables", reason: error.localizedDescription)
    }
  }

  /// Opens a table by name.
  public func table(named name: String) throws -> DeltaTable {
    guard DeltaTable.exists(at: location(ofTable: name)) else {
      throw StreamingError.unknownTable(name: name, lake: root)
    }
    return try DeltaTable(at: location(ofTable: name))
  }

  /// Makes the lake's folders.
  public func prepare() throws(StreamingError) {
    for folder in ["\(root)/tables", temporaryFolder] {
      do {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      } catch {
        throw .fileSystem(path: folder, operation: "create the folder", reason: error.localizedDescription)
      }
    }
  }
}
