/// A failure of the conversation with a Spark Connect server, in one line with what to do about it.
public enum SparkError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The driver's library cannot be opened.
  case noDriver(path: String, reason: String)
  /// The address is none of a Spark Connect server.
  case badAddress(String)
  /// Nobody answers there.
  case unreachable(address: String, reason: String)
  /// The server refused a statement.
  case refused(address: String, message: String)
  /// The server knows no source for a Delta table, and its rows are not plain files either.
  case cannotReadTable(name: String, reason: String)

  /// One line with a remedy.
  public var description: String {
    switch self {
    case .noDriver(let path, let reason):
      "the ADBC driver \(path) is missing (\(reason)); it is in the Python package adbc-driver-spark: "
        + "set \(ADBCDriver.variable) to its path"
    case .badAddress(let address): "\(address) is no address of a Spark Connect server; write sc://HOST:PORT"
    case .unreachable(let address, let reason):
      "no Spark Connect server answers at \(address) (\(reason)); start it, or correct --engine"
    case .refused(let address, let message): "\(address): \(message)"
    case .cannotReadTable(let name, let reason):
      "the server cannot read the Delta table \(name) (\(reason)); start it with Delta Lake's package"
    }
  }
}
