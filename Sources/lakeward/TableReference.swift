internal import DeltaLake
internal import Foundation
internal import Streaming

extension Workspace {
  /// A table by its name in the lake, or by its folder.
  func deltaTable(_ place: String) throws -> DeltaTable {
    if !place.contains("/"), DeltaTable.exists(at: lake.location(ofTable: place)) {
      return try lake.table(named: place)
    }
    // Of a remote place, opening says more than that there is nothing.
    if place.contains("://") || DeltaTable.exists(at: place) { return try DeltaTable(at: place) }
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: place, isDirectory: &isFolder) {
      throw CommandFailure("\(place) is not a Delta table: it has no _delta_log with commits")
    }
    let names = try lake.tableNames()
    let guess = nearest(to: place, among: names).map { "; did you mean \($0)?" } ?? ""
    throw CommandFailure(
      "there is no table \(place): \(lake.root)/tables holds none of that name, and there is no such folder\(guess)")
  }
}
