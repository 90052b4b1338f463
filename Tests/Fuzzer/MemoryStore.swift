import DeltaLake
import Foundation

/// A table's log in memory; data files are those of a real table's folder. Read-only.
final class MemoryStore: ObjectStore {
  let location: String
  private let files: [String: [UInt8]]

  init(folder: String, _ files: [String: [UInt8]]) {
    location = folder
    self.files = files
  }

  private func entries(_ folder: String) -> [ObjectEntry] {
    files.filter { $0.key.hasPrefix(folder) }.sorted { $0.key < $1.key }
      .map { ObjectEntry(path: $0.key, size: Int64($0.value.count), modificationTime: 1_767_225_600_000) }
  }

  func list(_ folder: String, startingAt start: String?) throws(DeltaError) -> [ObjectEntry] {
    entries(folder).filter { $0.path >= folder + "/" + (start ?? "") }
  }

  func listAll(_ folder: String) throws(DeltaError) -> [ObjectEntry] { entries(folder) }

  func read(_ path: String) throws(DeltaError) -> [UInt8] {
    if let bytes = files[path] { return bytes }
    guard let data = FileManager.default.contents(atPath: location + "/" + path) else {
      throw DeltaError(.missingFile, "there is no file \(path)")
    }
    return [UInt8](data)
  }

  func read(_ path: String, range: Range<Int64>) throws(DeltaError) -> [UInt8] {
    let bytes = try read(path)
    let whole = Int64(bytes.count)
    return Array(bytes[Int(min(range.lowerBound, whole))..<Int(min(range.upperBound, whole))])
  }

  func attributes(_ path: String) throws(DeltaError) -> ObjectEntry? { entries(path).first { $0.path == path } }

  func localPath(_ path: String) throws(DeltaError) -> String {
    guard let bytes = files[path] else { return location + "/" + path }
    let copy = location + "/copy.parquet"
    guard FileManager.default.createFile(atPath: copy, contents: Data(bytes)) else {
      throw DeltaError(.storage, "\(copy) cannot be written")
    }
    return copy
  }

  private var isReadOnly: DeltaError { DeltaError(.permissionDenied, "this store is only read") }
  func putIfAbsent(_ path: String, _ bytes: [UInt8]) throws(DeltaError) -> Bool { throw isReadOnly }
  func put(_ path: String, _ bytes: [UInt8]) throws(DeltaError) { throw isReadOnly }
  func delete(_ path: String) throws(DeltaError) { throw isReadOnly }
  func stagingFolder() throws(DeltaError) -> String { throw isReadOnly }
  func publish(_ paths: [String]) throws(DeltaError) { throw isReadOnly }
  func install(localFile: String, as path: String) throws(DeltaError) { throw isReadOnly }
}
