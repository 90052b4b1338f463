internal import Pipelines
internal import Foundation
internal import Server

/// `lakeward token`
enum TokenCommand: Command {
  static let name = "token"
  static let summary = "bearer tokens of the API: create, list, revoke"
  static let help = """
    usage: lakeward token create NAME --role ROLE [--days N]
           lakeward token list
           lakeward token revoke NAME

    Tokens count where lakeward.yml has server.auth. The token is printed once; the file keeps a hash. A running server
    takes up new tokens and ends revoked ones within a second.

    roles: viewer (how the lake is, no patients), clinician (patients, predictions, alerts), analyst (patients,
    predictions, SQL), device (sends records, nothing else), admin (everything, the audit log too)

    examples:
      lakeward token create ward-tablet --role clinician --days 365
      lakeward token list
      lakeward token revoke ward-tablet
    """
  static let options = [
    Option("role", "ROLE", "viewer, clinician, analyst, device or admin"),
    Option("days", "N", "the token ends after so many days (default: never)"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let words: [Subcommand] = [
      Subcommand("create", "NAME") { try create($0, $1) },
      Subcommand("list", "") { try list($0, $1) },
      Subcommand("revoke", "NAME") { try revoke($0, $1) },
    ]
    return try Subcommand.dispatch(arguments, command: name, among: words)
  }

  private static func store(_ arguments: Arguments) throws -> TokenStore {
    let workspace = try Workspace(arguments)
    return TokenStore(path: workspace.configuration.server?.auth?.tokensFile ?? ServerStart.tokensFile(workspace))
  }

  private static func create(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let name = try Subcommand.require(words, ["NAME"], command: "token create")[0]
    guard let role = arguments.text("role").flatMap(Role.init) else {
      throw UsageError("lakeward token create: give --role \(Role.allCases.map(\.rawValue).joined(separator: "|"))")
    }
    let days = try arguments.integer("days", minimum: 1)
    let expiresAt = days.map { Int64(Date().timeIntervalSince1970) + Int64($0) * 86_400 }
    Console.write(try store(arguments).create(name: name, role: role, expiresAt: expiresAt))
    Console.warn("this is said once; send it as Authorization: Bearer …")
    return 0
  }

  private static func list(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    _ = try Subcommand.require(words, [], command: "token list")
    let now = Int64(Date().timeIntervalSince1970)
    for entry in try store(arguments).list() {
      let state =
        entry.revokedAt != nil ? "revoked" : entry.isValid(at: now) ? "in force" : "expired"
      let end = entry.expiresAt.map { " until \(day($0))" } ?? ""
      Console.write("\(entry.id)  \(entry.role.rawValue)  \(entry.name)  of \(day(entry.createdAt)), \(state)\(end)")
    }
    return 0
  }

  private static func revoke(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let name = try Subcommand.require(words, ["NAME"], command: "token revoke")[0]
    let entry = try store(arguments).revoke(name)
    Console.write("\(entry.name) (\(entry.role.rawValue)) is revoked")
    return 0
  }

  private static func day(_ seconds: Int64) -> String {
    String(Date(timeIntervalSince1970: Double(seconds)).ISO8601Format().prefix(10))
  }
}
