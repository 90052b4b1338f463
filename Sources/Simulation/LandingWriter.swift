import Foundation

/// Writes records into the files of a landing directory, beginning a new file when one is large enough.
///
/// Not for use by two threads at once. Call ``close()`` at the end: an unfinished `.renamed` file stays a `.tmp`.
public final class LandingWriter {
  /// How a file comes into the directory.
  public enum Delivery: Sendable, Hashable {
    /// Written as `NAME.tmp` and renamed when complete: readers only ever see whole files.
    case renamed
    /// Written under its own name, so that readers see it grow.
    case growing
  }

  /// The landing directory.
  public let folder: String
  /// How files come into it.
  public let delivery: Delivery
  /// Names of the files finished or begun so far, in order, without the folder.
  public private(set) var files: [String] = []

  private let prefix: String
  private let maximumFileBytes: Int
  private var number: Int
  private var current: OutputFile?

  /// A writer into `folder`, which is created if it is not there. Files are named `PREFIX-000001.ndjson` and so on,
  /// beginning after the highest number already there.
  ///
  /// - Parameter maximumFileBytes: A file that has reached this size is finished before more is written.
  public init(
    folder: String, prefix: String = "records", delivery: Delivery = .renamed, maximumFileBytes: Int = 32 << 20
  ) throws(SimulationError) {
    self.folder = folder
    self.prefix = prefix
    self.delivery = delivery
    self.maximumFileBytes = max(1, maximumFileBytes)
    try createFolder(folder)
    number = Self.highestNumber(in: folder, prefix: prefix)
  }

  /// Writes whole lines; they stay together in one file.
  public func write(_ lines: [UInt8]) throws(SimulationError) {
    guard !lines.isEmpty else { return }
    if let current, current.bytes >= maximumFileBytes { try finishFile() }
    let file: OutputFile
    if let current { file = current } else { file = try beginFile() }
    var failure: SimulationError?
    lines.withUnsafeBytes { bytes in
      do throws(SimulationError) {
        try file.write(bytes)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  /// Finishes the current file, so that the next write begins another one.
  public func finishFile() throws(SimulationError) {
    guard let file = current else { return }
    current = nil
    try file.close()
    if delivery == .renamed {
      let name = String(file.path.dropLast(".tmp".count))
      if rename(file.path, name) != 0 {
        throw .fileSystem(operation: "rename", path: file.path, code: errno)
      }
    }
  }

  /// Finishes the last file.
  public func close() throws(SimulationError) {
    try finishFile()
  }

  private func beginFile() throws(SimulationError) -> OutputFile {
    number += 1
    let digits = String(number)
    let name = prefix + "-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".ndjson"
    let file = try OutputFile(path: folder + "/" + name + (delivery == .renamed ? ".tmp" : ""))
    files.append(name)
    current = file
    return file
  }

  private static func highestNumber(in folder: String, prefix: String) -> Int {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.reduce(0) { highest, name in
      guard name.hasPrefix(prefix + "-") else { return highest }
      let digits = name.dropFirst(prefix.count + 1).prefix { $0.isNumber }
      return max(highest, Int(digits) ?? 0)
    }
  }
}

/// Creates a folder and those above it; one that is there already is fine.
func createFolder(_ path: String) throws(SimulationError) {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    throw .fileSystem(operation: "create folder", path: path, code: Int32(cause?.code ?? Int(EIO)))
  }
}
