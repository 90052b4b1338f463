internal import Dashboards
internal import DuckDB
internal import Foundation
internal import HTTP
internal import JSON
internal import Pipelines
internal import Query

/// The dashboard's pages: what is on them, and the rows of their panels.
enum PageRoutes {
  private static let group = "Dashboard"
  /// The most rows that a panel draws.
  private static let rows = 5_000

  static func endpoints(_ context: ServerContext) -> [Endpoint] {
    let entry = Schema.object(
      ["name": .text(), "title": .text(), "description": .text().orNull], required: ["name", "title"])
    let page = Schema.object(
      ["name": .text(), "title": .text(), "panels": .list(of: .any)], required: ["name", "title", "panels"],
      isOpen: true)
    let name = Endpoint.Parameter("page", .text(longest: 200), "The page")
    return [
      Endpoint(
        .get, "/dashboards", group: group, "The pages, in the order of the navigation", needs: .catalog,
        answers: [.init(200, "Pages", .object(["pages": .list(of: entry)], required: ["pages"]))]
      ) { call in try list(call, context) },
      Endpoint(
        .get, "/dashboards/{page}", group: group, "What is on a page", needs: .catalog,
        answers: [.init(200, "The page", page)]
      ) { call in .json(Array(try JSONEncoder().encode(try find(call, context)))) }
      .with { $0.parameters = [name] },
      Endpoint(
        .get, "/dashboards/{page}/panels/{panel}", group: group, "The rows of a panel", needs: .catalog,
        answers: [.init(200, "Its rows", .named("Rows"))]
      ) { call in try panel(call, context) }
      .with {
        $0.details = "A panel whose tables do not exist yet has no rows."
        $0.parameters = [
          name, .init("panel", .text(longest: 200), "The panel's id"),
          .init("choices", .text(longest: 2_000), "What the page's parameters are set to: NAME=VALUE, separated by ;"),
        ]
        $0.problems = [408]
        $0.audit = .read("page")
      },
    ]
  }

  private static func pages(_ call: Call, _ context: ServerContext) throws -> [Page] {
    let all: [Page]
    do {
      all = try Page.load(folder: context.surroundings.dashboards)
    } catch {
      throw Problem(500, "page-definition", "A page's definition is wrong", detail: "\(error)")
    }
    if call.principal.may(.patients) { return all }
    return all.filter { !$0.showsPatients }.map { page in
      var page = page
      page.panels.removeAll(where: \.showsPatients)
      return page
    }
  }

  private static func list(_ call: Call, _ context: ServerContext) throws -> ServerResponse {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("pages")
    writer.beginArray()
    for page in try pages(call, context) {
      writer.beginObject()
      writer.member("name", page.name)
      writer.member("title", page.title)
      writer.member("description", page.summary)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
    return .json(writer.bytes)
  }

  private static func find(_ call: Call, _ context: ServerContext) throws -> Page {
    guard let page = try pages(call, context).first(where: { $0.name == call.path["page"] }) else {
      throw Problem.notFound("there is no page of that name; /dashboards lists them")
    }
    return page
  }

  private static func panel(_ call: Call, _ context: ServerContext) throws -> ServerResponse {
    let page = try find(call, context)
    guard let panel = page.panel(call.path["panel"] ?? ""), let sql = panel.sql else {
      throw Problem.notFound("the page has no panel with rows of that id")
    }
    let choices = try choices(call, page)
    let chosen = choices.filter { !$0.value.isEmpty }.map { " \($0.name)=\($0.value)" }.joined()
    call.trail.note("\(page.name)/\(panel.id)\(panel.showsPatients ? chosen : "")")
    let facts = try LakeFacts(context, mentionedIn: sql)
    let begin = ContinuousClock.now
    do {
      let bytes = try context.query(
        facts.completing(sql), for: call.principal, seconds: context.surroundings.querySeconds,
        prepare: { connection in
          try facts.prepare(connection)
          for (name, value) in choices {
            try connection.execute(
              "SET VARIABLE \(SQL.quote(identifier: name)) = \(SQL.quote(literal: value))")
          }
        }
      ) { try RowText.write($0, .json, rows: rows, bytes: 16 << 20, since: begin) }
      return .json(bytes)
    } catch let error as QueryError {
      guard error.isMissingTable else { throw error }
      return .json(Array(#"{"columns":[],"rows":[],"truncated":false,"seconds":0}"#.utf8))
    }
  }

  /// What the page's parameters are set to; a value that a parameter does not offer is refused.
  private static func choices(_ call: Call, _ page: Page) throws -> [(name: String, value: String)] {
    var given: [String: String] = [:]
    for pair in (call.query["choices"] ?? "").split(separator: ";") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      given[parts[0]] = parts.count == 2 ? parts[1] : ""
    }
    return try page.parameters.map { parameter in
      let value = given[parameter.name] ?? parameter.default
      guard parameter.allows(value) else {
        throw Problem(
          400, "invalid-parameter", "A parameter is not valid",
          detail: "\(parameter.name) takes \(parameter.options?.joined(separator: ", ") ?? "up to 200 characters")")
      }
      return (parameter.name, value)
    }
  }
}
