internal import CADBC
internal import Glibc

/// The functions of the ADBC driver for Spark Connect, a library that is opened when it is first asked for.
///
/// The library stays open until the process ends: its Go runtime cannot be unloaded.
struct ADBCDriver: @unchecked Sendable {
  /// Names the library if it is not where the loader finds it.
  static let variable = "LAKEWARD_SPARK_DRIVER"
  private static let library = "libadbc_driver_spark.so"

  let databaseNew: adbc_new
  let databaseSetOption: adbc_set_option
  let databaseInit: adbc_init
  let databaseRelease: adbc_release
  let connectionNew: adbc_new
  let connectionInit: adbc_child
  let connectionRelease: adbc_release
  let statementNew: adbc_child
  let statementSetSqlQuery: adbc_set_query
  let statementExecuteQuery: adbc_execute
  let statementRelease: adbc_release

  /// The driver, opened once.
  static func loaded() throws(SparkError) -> ADBCDriver { try shared.get() }

  private static let shared: Result<ADBCDriver, SparkError> = load()

  private static func load() -> Result<ADBCDriver, SparkError> {
    let given = getenv(variable).map { String(cString: $0) } ?? ""
    let path = given.isEmpty ? library : given
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      let reason = dlerror().map { String(cString: $0) } ?? "it cannot be opened"
      return .failure(.noDriver(path: path, reason: reason))
    }
    do throws(SparkError) {
      return .success(
        ADBCDriver(
          databaseNew: try symbol(handle, "AdbcDatabaseNew"),
          databaseSetOption: try symbol(handle, "AdbcDatabaseSetOption"),
          databaseInit: try symbol(handle, "AdbcDatabaseInit"),
          databaseRelease: try symbol(handle, "AdbcDatabaseRelease"),
          connectionNew: try symbol(handle, "AdbcConnectionNew"),
          connectionInit: try symbol(handle, "AdbcConnectionInit"),
          connectionRelease: try symbol(handle, "AdbcConnectionRelease"),
          statementNew: try symbol(handle, "AdbcStatementNew"),
          statementSetSqlQuery: try symbol(handle, "AdbcStatementSetSqlQuery"),
          statementExecuteQuery: try symbol(handle, "AdbcStatementExecuteQuery"),
          statementRelease: try symbol(handle, "AdbcStatementRelease")))
    } catch {
      return .failure(error)
    }
  }

  /// - Returns: the function as a pointer of the type that the caller names.
  private static func symbol<Function>(
    _ library: UnsafeMutableRawPointer, _ name: String
  ) throws(SparkError) -> Function {
    guard let address = dlsym(library, name) else {
      throw .noDriver(path: self.library, reason: "it has no function \(name)")
    }
    return unsafeBitCast(address, to: Function.self)
  }
}
