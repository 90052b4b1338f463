internal import DuckDB

/// `delta('DIR')`, `delta('DIR', version => 3)` or `delta('DIR', timestamp => '2026-01-01')` in a query.
public struct DeltaCall: Hashable {
  /// Which version is meant.
  public enum Moment: Hashable {
    /// The newest one.
    case newest
    /// The version of this number.
    case version(Int64)
    /// The newest that is not younger than this instant, as written.
    case timestamp(String)
  }

  /// The table's folder, or the name of a table of the lake.
  public var table: String
  /// Which version of it.
  public var moment = Moment.newest

  static let usage =
    "write delta('DIR'), delta('DIR', version => 3) or delta('DIR', timestamp => '2026-01-31T08:00:00Z')"

  /// The name of the view that stands in for it: what the call looks like, so that plans and messages stay readable.
  public var name: String {
    let place = SQL.quote(literal: table)
    return switch moment {
    case .newest: "delta(\(place))"
    case .version(let number): "delta(\(place), version => \(number))"
    case .timestamp(let text): "delta(\(place), timestamp => \(SQL.quote(literal: text)))"
    }
  }

  var quotedName: String { SQL.quote(identifier: name) }

  /// Reads the arguments from the token after the bracket on. Returns the call and the index behind its closing bracket.
  static func parse(_ tokens: [QueryToken], from start: Int) throws -> (call: DeltaCall, next: Int) {
    func token(_ index: Int) throws -> QueryToken {
      guard index < tokens.count else { throw QueryError(usage: "delta(… is not closed; \(usage)") }
      return tokens[index]
    }
    let place = try token(start)
    guard place.kind == .string, !place.text.isEmpty else {
      throw QueryError(usage: "delta(…) takes a folder in single quotes; \(usage)")
    }
    var call = DeltaCall(table: place.text)
    var index = start + 1
    while try token(index).isSign(",") {
      let name = try token(index + 1)
      guard name.kind == .word, let arrow = try? token(index + 2), arrow.isSign("=>") || arrow.isSign(":=") else {
        throw QueryError(usage: "delta(…) takes its options by name; \(usage)")
      }
      let value = try token(index + 3)
      guard case .newest = call.moment else {
        throw QueryError(usage: "delta(…) takes one of version and timestamp, once; \(usage)")
      }
      switch (name.folded, value.kind) {
      case ("version", .number):
        guard let number = Int64(value.text) else {
          throw QueryError(usage: "delta(…): version => \(value.text) is no version")
        }
        call.moment = .version(number)
        index += 4
      case ("timestamp", .string):
        call.moment = .timestamp(value.text)
        index += 4
      case ("timestamp", .word) where ["timestamp", "timestamptz", "date"].contains(value.folded):
        // TIMESTAMP '2026-01-01': the type's name adds nothing.
        let text = try token(index + 4)
        guard text.kind == .string else { throw QueryError(usage: "delta(…): give the timestamp in quotes; \(usage)") }
        call.moment = .timestamp(text.text)
        index += 5
      case ("version", _), ("timestamp", _):
        throw QueryError(
          usage:
            "delta(…): \(name.folded) takes \(name.folded == "version" ? "a whole number" : "a time in quotes"); \(usage)"
        )
      default:
        let guess =
          NearestWord.find(name.folded, among: ["version", "timestamp"]).map { ", did you mean \($0)?" } ?? ""
        throw QueryError(usage: "delta(…) has no option \(name.text)\(guess); \(usage)")
      }
    }
    guard try token(index).isSign(")") else {
      throw QueryError(usage: "delta(…) has too much in its brackets; \(usage)")
    }
    return (call, index + 1)
  }
}
