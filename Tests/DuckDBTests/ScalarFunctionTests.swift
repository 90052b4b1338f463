import DuckDB
import Synchronization
import Testing

@Suite struct ScalarFunctionTests {
  let connection: Connection

  init() throws { connection = try Database(settings: ["threads": "2"]).connect() }

  private static func add(_ name: String, handlesNull: Bool = false) -> ScalarFunction {
    ScalarFunction(name, parameters: [.double, .double], returns: .double, handlesNull: handlesNull) { input, output in
      try input.column(0).withValues(as: Double.self) { a, aValid in
        try input.column(1).withValues(as: Double.self) { b, bValid in
          try output.withValues(as: Double.self) { sum in
            for row in sum.indices {
              sum[row] = (aValid.isValid(row) ? a[row] : 1000) + (bValid.isValid(row) ? b[row] : 1000)
            }
          }
        }
      }
    }
  }

  @Test func wholeVectorsOnWorkerThreads() throws {
    try connection.register(Self.add("plus"))
    try connection.execute("CREATE TABLE t AS SELECT range::DOUBLE AS a, (range * 2)::DOUBLE AS b FROM range(1000000)")
    let sum = try connection.query("SELECT sum(plus(a, b)), count(plus(a, b)) FROM t").rows()[0]
    #expect(sum == [.double(1_499_998_500_000), .int(1_000_000)])
  }

  @Test func nullArgumentsGiveNullUnlessHandled() throws {
    try connection.register(Self.add("plus"))
    try connection.register(Self.add("plus_null", handlesNull: true))
    let sql = "SELECT NAME(a, b) FROM (VALUES (1.0, 2.0), (NULL, 2.0), (1.0, NULL)) t(a, b)"
    #expect(try connection.query(sql.replacing("NAME", with: "plus")).column() == [.double(3), .null, .null])
    #expect(
      try connection.query(sql.replacing("NAME", with: "plus_null")).column()
        == [.double(3), .double(1002), .double(1001)])
    #expect(try connection.query("SELECT plus(1, NULL), plus(1, 2)").rows() == [[.null, .double(3)]])
  }

  @Test func stringsInAndOut() throws {
    try connection.register(
      ScalarFunction("shout", parameters: [.varchar], returns: .varchar, handlesNull: true) { input, output in
        try input.column(0).forEachString { row, bytes in
          guard let bytes else { return output.setNull(row) }
          try output.setString(String(decoding: bytes, as: UTF8.self).uppercased() + "!", at: row)
        }
      })
    #expect(
      try connection.query("SELECT shout(x) FROM (VALUES ('a'), (NULL), ('grüße an alle Patienten')) t(x)").column()
        == ["A!", .null, "GRÜSSE AN ALLE PATIENTEN!"])
  }

  struct Unfit: Error, CustomStringConvertible { var description: String { "the model wants 3 features" } }

  @Test func thrownErrorBecomesTheStatementsError() throws {
    try connection.register(
      ScalarFunction("unfit", parameters: [.double], returns: .double) { _, _ in throw Unfit() })
    let error = #expect(throws: DuckDBError.self) { try connection.query("SELECT unfit(range) FROM range(5)") }
    #expect(error?.kind == .invalidInput)
    #expect(error?.description == "DuckDB invalid input: unfit: the model wants 3 features")
    #expect(try connection.query("SELECT 1").scalar() == 1)
  }

  @Test func wrongElementIsAnErrorNotATrap() throws {
    try connection.register(
      ScalarFunction("wrong", parameters: [.integer], returns: .double) { input, _ in
        try input.column(0).withValues(as: Double.self) { _, _ in }
      })
    #expect(throws: DuckDBError.self) { try connection.query("SELECT wrong(1)") }
  }

  @Test func volatileFunctionsRunForEveryRow() throws {
    let calls = Counter()
    let body: ScalarFunction.Body = { input, output in
      calls.add(input.rowCount)
      try output.withValues(as: Int64.self) { $0.update(repeating: 7) }
    }
    try connection.register(ScalarFunction("fixed", parameters: [.bigint], returns: .bigint, body: body))
    try connection.register(
      ScalarFunction("loose", parameters: [.bigint], returns: .bigint, isVolatile: true, body: body))
    _ = try connection.query("SELECT fixed(1) FROM range(5000)")
    #expect(calls.value == 1)
    _ = try connection.query("SELECT loose(1) FROM range(5000)")
    #expect(calls.value > 1)
  }

  @Test func featuresGatherIntoAMatrix() throws {
    try connection.register(
      ScalarFunction(
        "second", parameters: [.double, .integer, .boolean], returns: .double, handlesNull: true
      ) { input, output in
        try withUnsafeTemporaryAllocation(of: Float.self, capacity: input.rowCount * 3) { matrix in
          for column in 0..<3 { try input.column(column).gather(into: matrix, stride: 3, offset: column) }
          try output.withValues(as: Double.self) { values in
            for row in values.indices {
              values[row] =
                Double(matrix[row * 3]) + Double(matrix[row * 3 + 1]) * 10 + Double(matrix[row * 3 + 2]) * 100
            }
          }
        }
      })
    let values = try connection.query("SELECT second(a, b, c) FROM (VALUES (1, 2, true), (5, NULL, false)) t(a, b, c)")
      .column()
    #expect(values[0] == .double(121))
    #expect(values[1].doubleValue?.isNaN == true)
  }

  @Test func contextIsReleasedWithTheDatabase() throws {
    weak var seen: Counter?
    do {
      let counter = Counter()
      seen = counter
      let connection = try Database().connect()
      try connection.register(
        ScalarFunction("held", parameters: [], returns: .bigint) { _, output in
          counter.add(1)
          try output.withValues(as: Int64.self) { $0.update(repeating: 1) }
        })
      #expect(try connection.query("SELECT held()").scalar() == 1)
    }
    #expect(seen == nil)
  }

  @Test func otherConnectionsSeeTheFunction() throws {
    try connection.register(Self.add("plus"))
    let other = try connection.database.connect()
    #expect(try other.query("SELECT plus(1, 2)").scalar() == .double(3))
  }
}

final class Counter: Sendable {
  private let count = Atomic<Int>(0)

  func add(_ number: Int) { count.add(number, ordering: .relaxed) }

  var value: Int { count.load(ordering: .relaxed) }
}
