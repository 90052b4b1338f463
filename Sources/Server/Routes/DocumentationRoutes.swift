internal import HTTP

/// The API's description of itself.
enum DocumentationRoutes {
  static func endpoints(_ others: [Endpoint], version: String, hasTokens: Bool) -> [Endpoint] {
    let group = "About"
    func own(_ path: String, _ summary: String, _ mediaType: String, _ body: [UInt8]) -> Endpoint {
      Endpoint(
        .get, path, group: group, summary, needs: nil,
        answers: [.init(200, summary, [(mediaType, mediaType == "application/json" ? .any : .text())])]
      ) { _ in ServerResponse(200, mediaType == "text/html" ? "text/html; charset=utf-8" : mediaType, body) }
      .with { $0.isQuick = true }
    }
    let placeholders = [
      own("/openapi.json", "This API as an OpenAPI 3.1 document", "application/json", []),
      own("/docs", "This API for people, without scripts", "text/html", []),
    ]
    let all = others + placeholders
    return [
      own(
        "/openapi.json", placeholders[0].summary, "application/json",
        OpenAPIDocument.text(all, version: version, hasTokens: hasTokens)),
      own(
        "/docs", placeholders[1].summary, "text/html",
        Array(DocumentationPage.html(all, hasTokens: hasTokens).utf8)),
    ]
  }
}
