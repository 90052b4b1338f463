internal import Foundation
internal import HTTP

/// The dashboard's own files.
enum FileRoutes {
  /// The folder of pages, styles and scripts: beside the program, where the build puts it.
  static let folder: String? = {
    let program =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    let place = (program as NSString).deletingLastPathComponent + "/lakeward_Server.resources/Resources"
    return FileManager.default.fileExists(atPath: place) ? place : nil
  }()

  static func endpoints() -> [Endpoint] {
    guard let folder, let files = StaticFiles(folder: folder) else { return [] }
    func file(_ path: String, _ name: @escaping @Sendable (Call) -> String) -> Endpoint {
      Endpoint(.get, path, group: "Dashboard", "A file of the dashboard", needs: nil, answers: []) { call in
        files.response(name(call), call.request.head)
      }.with { $0.isHidden = true }
    }
    // The page's script reads the address.
    let pages = ["/", "/pages/{name}", "/patient/{id}", "/sql"].map { path in file(path) { _ in "index.html" } }
    return pages + [
      file("/static/{file}") { $0.path["file"] ?? "" },
      file("/static/{folder}/{file}") { "\($0.path["folder"] ?? "")/\($0.path["file"] ?? "")" },
    ]
  }
}
