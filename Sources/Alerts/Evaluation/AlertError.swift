/// Why alerts could not go on. Texts name policies, files and tables, never a patient's values.
public enum AlertError: Error, Sendable, CustomStringConvertible {
  /// Another process judges the same rows.
  case overtaken(pipeline: String)
  /// A policy's SQL does not fit its table.
  case wrongSQL(place: String, policy: String, reason: String)
  /// A notifier that does not exist.
  case unknownNotifier(name: String, known: [String])

  /// One line: what happened and what to do.
  public var description: String {
    switch self {
    case .overtaken(let pipeline):
      "\(pipeline): another process judges the same rows; this one begins again from the tables"
    case .wrongSQL(let place, let policy, let reason):
      "\(place): the SQL of the policy \(policy) cannot be run: \(reason); correct it, lakeward run tries it at its start"
    case .unknownNotifier(let name, let known):
      known.isEmpty
        ? "there is no notifier \(name): lakeward.yml defines none under notifiers"
        : "there is no notifier \(name) (there are: \(known.joined(separator: ", ")))"
    }
  }
}
