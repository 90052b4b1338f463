internal import CDuckDB

/// A SQL function that works on whole vectors of rows.
public struct ScalarFunction: Sendable {
  /// Computes the output rows from the input rows. DuckDB calls it on its own worker threads, several at once; a thrown
  /// error becomes the statement's error, with the error's text (which must hold no data value).
  public typealias Body = @Sendable (borrowing ScalarInput, borrowing ScalarOutput) throws -> Void

  /// Name in SQL.
  public var name: String
  /// Types of the arguments; DuckDB casts to them.
  public var parameters: [LogicalType]
  /// Type of the result.
  public var returns: LogicalType
  /// Whether equal arguments can give different results; if not, DuckDB may compute a constant call once.
  public var isVolatile: Bool
  /// Whether `body` looks after NULL arguments; if not, a row with a NULL argument gives NULL whatever `body` writes.
  public var handlesNull: Bool
  /// The computation.
  public var body: Body

  /// A function for `Connection.register`.
  public init(
    _ name: String, parameters: [LogicalType], returns: LogicalType, isVolatile: Bool = false,
    handlesNull: Bool = false, body: @escaping Body
  ) {
    self.name = name
    self.parameters = parameters
    self.returns = returns
    self.isVolatile = isVolatile
    self.handlesNull = handlesNull
    self.body = body
  }
}

/// The arguments of one call, for its duration.
public struct ScalarInput: ~Copyable {
  private let chunk: duckdb_data_chunk?
  private let types: [LogicalType]
  /// Rows in this call, at most `DataChunk.capacity`.
  public let rowCount: Int

  fileprivate init(_ chunk: duckdb_data_chunk?, _ types: [LogicalType]) {
    self.chunk = chunk
    self.types = types
    rowCount = Int(duckdb_data_chunk_get_size(chunk))
  }

  /// Number of arguments.
  public var columnCount: Int { types.count }

  /// The vector of argument `index`, counted from 0. It may not leave the call.
  public func column(_ index: Int) -> VectorView {
    VectorView(vector(index), types[index], rowCount: rowCount, owner: nil)
  }

  fileprivate func vector(_ index: Int) -> duckdb_vector? { duckdb_data_chunk_get_vector(chunk, idx_t(index)) }
}

/// The result vector of one call, for its duration. All rows begin as not NULL.
public typealias ScalarOutput = VectorWriter

/// What DuckDB carries for a registered function; released by `releaseContext` when the catalog drops the function.
private final class FunctionContext: Sendable {
  let function: ScalarFunction

  init(_ function: ScalarFunction) { self.function = function }

  func call(_ chunk: duckdb_data_chunk?, _ vector: duckdb_vector?) throws {
    let input = ScalarInput(chunk, function.parameters)
    let output = ScalarOutput(vector, function.returns, rowCount: input.rowCount)
    try function.body(input, output)
    guard !function.handlesNull else { return }
    for index in 0..<input.columnCount { output.takeNulls(from: input.vector(index)) }
  }
}

/// DuckDB calls this on its worker threads.
private func callFunction(_ info: duckdb_function_info?, _ chunk: duckdb_data_chunk?, _ vector: duckdb_vector?) {
  guard let pointer = duckdb_scalar_function_get_extra_info(info) else { return }
  let context = Unmanaged<FunctionContext>.fromOpaque(pointer).takeUnretainedValue()
  do {
    try context.call(chunk, vector)
  } catch {
    duckdb_scalar_function_set_error(info, "\(ErrorText.functionMark)\(context.function.name): \(error)")
  }
}

private func releaseContext(_ pointer: UnsafeMutableRawPointer?) {
  guard let pointer else { return }
  Unmanaged<FunctionContext>.fromOpaque(pointer).release()
}

extension Connection {
  /// Makes a function known to every connection of the database, under its name; the closure lives as long as the
  /// database.
  ///
  /// - Throws: the name is taken, or a type cannot be a parameter or result.
  public func register(_ function: ScalarFunction) throws(DuckDBError) {
    try register(overloads: [function])
  }

  /// The same for several functions of one name that take other arguments.
  ///
  /// - Throws: the name is taken, two take the same arguments, or a type cannot be a parameter or result.
  public func register(overloads functions: [ScalarFunction]) throws(DuckDBError) {
    guard let name = functions.first?.name else { return }
    var set: duckdb_scalar_function_set? = duckdb_create_scalar_function_set(name)
    defer { duckdb_destroy_scalar_function_set(&set) }
    for function in functions {
      var raw: duckdb_scalar_function? = duckdb_create_scalar_function()
      defer { duckdb_destroy_scalar_function(&raw) }
      try Self.describe(function, to: raw)
      guard duckdb_add_scalar_function_to_set(set, raw) == DuckDBSuccess else {
        throw DuckDBError(.catalog, "the function \(name) has two forms with the same arguments")
      }
    }
    guard duckdb_register_scalar_function_set(self.raw, set) == DuckDBSuccess else {
      throw DuckDBError(.catalog, "the function \(name) could not be registered: the name may be taken")
    }
  }

  private static func describe(_ function: ScalarFunction, to raw: duckdb_scalar_function?) throws(DuckDBError) {
    duckdb_scalar_function_set_name(raw, function.name)
    for parameter in function.parameters {
      try parameter.handle().borrow { duckdb_scalar_function_add_parameter(raw, $0) }
    }
    try function.returns.handle().borrow { duckdb_scalar_function_set_return_type(raw, $0) }
    if function.isVolatile { duckdb_scalar_function_set_volatile(raw) }
    if function.handlesNull { duckdb_scalar_function_set_special_handling(raw) }
    let context = Unmanaged.passRetained(FunctionContext(function)).toOpaque()
    duckdb_scalar_function_set_extra_info(raw, context, releaseContext)
    duckdb_scalar_function_set_function(raw, callFunction)
  }
}
