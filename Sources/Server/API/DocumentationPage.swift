internal import HTTP

/// The page `/docs`: every route as text, without a script and without the network.
enum DocumentationPage {
  static func html(_ endpoints: [Endpoint], hasTokens: Bool) -> String {
    let shown = endpoints.filter { !$0.isHidden }
    var groups: [String] = []
    for endpoint in shown where !groups.contains(endpoint.group) { groups.append(endpoint.group) }
    let sections = groups.map { group in
      "<h2 id=\"\(escaped(group))\">\(escaped(group))</h2>"
        + shown.filter { $0.group == group }.map { article($0) }.joined()
    }
    let login =
      hasTokens
      ? "Send a token with each request: <code>Authorization: Bearer …</code> (<code>lakeward token create</code>)."
      : "No tokens are configured: whoever reaches this address may do everything."
    return """
      <!doctype html><html lang="en"><head><meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1"><title>Lakeward API</title>
      <style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}
      code,pre{font:14px ui-monospace,monospace}pre{overflow:auto;padding:.5rem;border:1px solid #8886}
      article{border-top:1px solid #8886;padding:.5rem 0}th,td{text-align:left;padding:.1rem .8rem .1rem 0;vertical-align:top}
      h3{margin:.5rem 0}small{opacity:.75}</style></head><body>
      <h1>Lakeward API</h1><p>\(login) Errors are problem details (RFC 9457): each names the field and the rule. For programs:
      <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1). Not a medical device.</p>
      <nav><p>\(groups.map { "<a href=\"#\(escaped($0))\">\(escaped($0))</a>" }.joined(separator: " · "))</p></nav>
      \(sections.joined(separator: "\n"))</body></html>
      """
  }

  private static func article(_ endpoint: Endpoint) -> String {
    var text =
      "<article><h3><code>\(endpoint.method.rawValue) \(escaped(endpoint.path))</code></h3><p>\(escaped(endpoint.summary))"
    if !endpoint.details.isEmpty { text += "<br><small>\(escaped(endpoint.details))</small>" }
    if let permission = endpoint.permission {
      let roles = Role.allCases.filter { $0.permissions.contains(permission) }.map(\.rawValue).joined(separator: ", ")
      text += "<br><small>Roles: \(roles)</small>"
    }
    text += "</p>"
    if !endpoint.parameters.isEmpty {
      let rows = endpoint.parameters.map { parameter in
        let standard = parameter.standard.map { " (default \($0))" } ?? ""
        return
          "<tr><th><code>\(escaped(parameter.name))</code></th><td>\(escaped(parameter.summary + standard))</td></tr>"
      }
      text += "<table>\(rows.joined())</table>"
    }
    if let body = endpoint.body {
      text += "<p>Body: \(body.contents.map { "<code>\(escaped($0.mediaType))</code>" }.joined(separator: " or ")), "
      text += "at most \(body.limit) bytes</p>"
      if let example = body.example { text += "<pre>\(escaped(example))</pre>" }
    }
    let answers = endpoint.answers.map { "<tr><th>\($0.status)</th><td>\(escaped($0.summary))</td></tr>" }
    let others = OpenAPIDocument.problems(of: endpoint).map(String.init).joined(separator: ", ")
    return text + "<table>\(answers.joined())<tr><th>\(others)</th><td>problem details</td></tr></table></article>"
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}
