import Foundation

/// Why a simulator could not write.
public enum SimulationError: Error, Sendable, Hashable, CustomStringConvertible {
  /// An operation on a file or folder failed with this `errno`.
  case fileSystem(operation: String, path: String, code: Int32)
  /// The folder for a population already holds files of another one.
  case notEmpty(path: String)

  /// One line for a person: what failed, where and what to do.
  public var description: String {
    switch self {
    case .fileSystem(let operation, let path, let code):
      let reason = String(cString: strerror(code))
      let hint =
        switch code {
        case ENOSPC: "; free some space and try again"
        case EACCES, EPERM, EROFS: "; choose a folder that you may write to"
        default: ""
        }
      return "cannot \(operation) \(path): \(reason)\(hint)"
    case .notEmpty(let path):
      return "\(path) already holds CSV files; choose an empty folder"
    }
  }
}
