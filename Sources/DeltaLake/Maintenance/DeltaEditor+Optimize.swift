internal import JSON
import Foundation

/// Decides which files are worth rewriting together. Pure.
enum BinPacking {
  /// Groups of files of one partition whose sizes add up to about `target`; files at or above it are left alone unless
  /// rows of them are deleted. A group of one file without deleted rows is not worth rewriting.
  static func bins(_ files: [AddFile], target: Int64) -> [[AddFile]] {
    var partitions: [[String: String?]: [AddFile]] = [:]
    for file in files where file.size < target || file.deletionVector != nil {
      partitions[file.partitionValues, default: []].append(file)
    }
    var bins: [[AddFile]] = []
    for group in partitions.values {
      var bin: [AddFile] = []
      var size: Int64 = 0
      for file in group {
        if !bin.isEmpty, size + file.size > target {
          bins.append(bin)
          bin = []
          size = 0
        }
        bin.append(file)
        size += file.size
      }
      bins.append(bin)
    }
    return bins.filter { $0.count > 1 || $0.contains { $0.deletionVector != nil } }
  }
}

extension DeltaEditor {
  /// Rewrites small files, and files with deleted rows, into larger ones, whose rows are in the order that the table's
  /// property `Snapshot.clusterProperty` says. No row changes, so appends and this never
  /// get in each other's way.
  ///
  /// - Parameters:
  ///   - targetBytes: size that files should come near to, counted before rewriting.
  ///   - minimumFiles: do nothing while fewer files than this could be rewritten.
  public func optimize(
    _ table: DeltaTable, targetBytes: Int64 = 128 << 20, minimumFiles: Int = 2
  ) throws(DeltaError) -> Outcome {
    let parameters = ["targetSize": String(targetBytes)]
    return try commit(table, "OPTIMIZE", parameters, dataChange: false) { snapshot throws(DeltaError) in
      var change = Change()
      let bins = BinPacking.bins(Array(snapshot.files), target: targetBytes)
      let candidates = bins.reduce(0) { $0 + $1.count }
      guard candidates >= minimumFiles || bins.contains(where: { $0.contains { $0.deletionVector != nil } }) else {
        return change
      }
      for bin in bins {
        change.added += try joined(bin, of: snapshot, table)
        change.removed += bin
      }
      change.rows["rewritten"] = try Self.checkRows(change.removed, change.added, table)
      change.reads = .files(Set(change.removed.map(\.key)))
      return change
    }
  }

  /// Rewrites every partition so that rows with near values in all of some columns come to lie in the same files.
  ///
  /// - Parameters:
  ///   - columns: columns of the order along the Z curve, at most 6.
  ///   - fileBytes: about the size of the new files.
  public func optimize(
    _ table: DeltaTable, zorderBy columns: [String], fileBytes: Int64 = 128 << 20
  ) throws(DeltaError) -> Outcome {
    let parameters = ["zOrderBy": JSONValue.array(columns.map(JSONValue.string)).text]
    return try commit(table, "OPTIMIZE", parameters, dataChange: false) { snapshot throws(DeltaError) in
      guard (1...6).contains(columns.count) else {
        throw DeltaError(.invalidArgument, "a Z-order takes 1 to 6 columns, not \(columns.count)")
      }
      var names: [String] = []
      for column in columns {
        guard let field = snapshot.schema[column], field.type.primitiveName != nil else {
          throw DeltaError(.invalidArgument, "\(table.location) has no column \(column) that a Z-order can use")
        }
        guard !snapshot.partitionColumns.contains(field.name) else {
          throw DeltaError(.invalidArgument, "the partition column \(column) cannot be in a Z-order")
        }
        names.append(quoted(identifier: field.name))
      }
      var change = Change()
      change.removed = Array(snapshot.files)
      change.reads = .files(Set(change.removed.map(\.key)))
      var partitions: [[String: String?]: [AddFile]] = [:]
      for file in change.removed { partitions[file.partitionValues, default: []].append(file) }
      var options = writer.options
      if snapshot.partitionColumns.isEmpty { options.fileSizeBytes = fileBytes }
      let sorted = DeltaWriter(connection: connection, options: options)
      for files in partitions.values {
        let select = Clustering.zorder(try DeltaReader.scanSQL(snapshot, files: files), names)
        change.added += try sorted.write(select, into: snapshot, store: table.store, now: table.clock())
      }
      change.rows["rewritten"] = try Self.checkRows(change.removed, change.added, table)
      return change
    }
  }
}
