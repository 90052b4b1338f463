internal import HTTP
public import Pipelines

extension AlertSettings {
  /// The usual address of PagerDuty's Events API v2.
  static let pagerDuty = "https://events.pagerduty.com/v2/enqueue"

  /// Reads `notifiers` and `alerts` of `lakeward.yml`.
  /// - Parameter folder: What relative files are relative to; empty for the working directory.
  /// - Throws: a `DefinitionError` with every problem that was found.
  public init(notifiers: YAMLNode?, alerts: YAMLNode?, folder: String = "") throws(DefinitionError) {
    let problems = ProblemList()
    let file = NotifierFile(problems: problems, folder: folder)
    if let notifiers, let reader = MappingReader(notifiers, what: "notifiers", problems: problems) {
      for entry in reader.pairs { self.notifiers[entry.key] = file.notifier(entry) }
    }
    if let alerts, var reader = MappingReader(alerts, what: "alerts", problems: problems) {
      link = reader.text("link")
      reader.finish()
    }
    try problems.throwIfAny()
  }
}

/// Reads one notifier.
struct NotifierFile {
  private enum Kind: String, CaseIterable { case webhook, slack, pagerduty, email, sms }

  let problems: ProblemList
  let folder: String

  func notifier(_ entry: YAMLEntry) -> Notifier? {
    let isName = entry.key.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    if !isName || entry.key.isEmpty {
      problems.add(
        at: entry.location, "the notifier '\(entry.key)' is not a plain name",
        remedy: "use letters, digits and underscores")
    }
    guard var reader = MappingReader(entry.value, what: entry.key, problems: problems) else { return nil }
    guard reader.requiredNode("type") != nil, let kind = reader.choice("type", of: Kind.self) else { return nil }
    let channel = channel(kind, &reader)
    let followsUp = reader.boolean("follow_up")
    let showsPatient = reader.boolean("patient")
    let timeout = reader.seconds("timeout", in: 1...300)
    let giveUp = reader.seconds("give_up", in: 60...2_678_400)
    reader.finish()
    guard let channel else { return nil }
    var notifier = Notifier(name: entry.key, channel: channel)
    notifier.followsUp = followsUp ?? notifier.followsUp
    notifier.showsPatient = showsPatient ?? true
    notifier.timeoutSeconds = Int(timeout ?? 20)
    notifier.giveUpSeconds = giveUp ?? notifier.giveUpSeconds
    return notifier
  }

  private func channel(_ kind: Kind, _ reader: inout MappingReader) -> Notifier.Channel? {
    switch kind {
    case .webhook:
      let secret = secret(&reader, "secret", isRequired: false)
      return url(&reader).map { .webhook(url: $0, secret: secret) }
    case .slack: return url(&reader).map { .slack(url: $0) }
    case .pagerduty:
      let url = secret(&reader, "url", isRequired: false) ?? Secret(literal: AlertSettings.pagerDuty)
      return secret(&reader, "routing_key").map { .pagerDuty(url: url, routingKey: $0) }
    case .email: return mail(&reader)
    case .sms: return gateway(&reader)
    }
  }

  private func mail(_ reader: inout MappingReader) -> Notifier.Channel? {
    let serverNode = reader.requiredNode("server")
    let server = serverNode == nil ? nil : reader.text("server")
    let from = reader.requiredText("from")
    let to = reader.requiredNode("to") == nil ? [] : reader.texts("to").compactMap(\.text)
    let encryption = reader.choice("tls", of: MailTransfer.Encryption.self)
    let username = reader.text("username")
    let password = secret(&reader, "password", isRequired: false)
    let certificates = reader.text("ca_file").map(resolved)
    if let server, let serverNode, !server.hasPrefix("smtp://"), !server.hasPrefix("smtps://") {
      problems.add(
        at: serverNode.location, "server '\(server)' is no mail server",
        remedy: "write smtp://HOST:PORT or smtps://HOST:PORT")
    }
    for address in to + [from].compactMap({ $0 }) where !Self.isAddress(address) {
      problems.add(at: reader.location, "an address of the mail is not one", remedy: "write name@example.org")
    }
    guard let server, let from, !to.isEmpty else { return nil }
    var mail = Notifier.Mail(server: server, from: from, to: to)
    mail.encryption = encryption ?? .required
    mail.username = username
    mail.password = password
    mail.certificateFile = certificates
    return .email(mail)
  }

  /// Nothing that could end a header line or an SMTP command.
  private static func isAddress(_ text: String) -> Bool {
    text.contains("@") && text.allSatisfy { !$0.isWhitespace && !$0.isNewline && $0 != "<" && $0 != ">" }
  }

  private func gateway(_ reader: inout MappingReader) -> Notifier.Channel? {
    let url = url(&reader)
    let to = reader.requiredNode("to") == nil ? [] : reader.texts("to").compactMap(\.text)
    let bodyNode = reader.requiredNode("body")
    let body = bodyNode == nil ? nil : reader.text("body")
    let method = reader.text("method")
    let contentType = reader.text("content_type")
    var headers = reader.dictionary("headers").mapValues { Secret(literal: $0) }
    for (name, path) in reader.dictionary("header_files") { headers[name] = Secret(file: resolved(path)) }
    if let body, let bodyNode, !body.contains("{text}") {
      problems.add(
        at: bodyNode.location, "the body has no place for the message", remedy: "write {text} where it belongs")
    }
    guard let url, let body, !to.isEmpty else { return nil }
    var gateway = Notifier.Gateway(url: url, body: body, to: to)
    gateway.method = method ?? gateway.method
    gateway.contentType = contentType ?? gateway.contentType
    gateway.headers = headers
    return .sms(gateway)
  }

  private func url(_ reader: inout MappingReader) -> Secret? {
    let node = reader.node("url")
    if let node, let text = node.text, !text.hasPrefix("https://"), !text.hasPrefix("http://") {
      problems.add(at: node.location, "url is no address", remedy: "write https://…")
    }
    return secret(&reader, "url")
  }

  /// `KEY`, `KEY_file` or `KEY_env`.
  private func secret(_ reader: inout MappingReader, _ key: String, isRequired: Bool = true) -> Secret? {
    let literal = reader.text(key).map { Secret(literal: $0) }
    let file = reader.text(key + "_file").map { Secret(file: resolved($0)) }
    let environment = reader.text(key + "_env").map { Secret(environment: $0) }
    let given = [literal, file, environment].compactMap { $0 }
    if given.count > 1 {
      problems.add(
        at: reader.location, "\(key) is given in more than one way",
        remedy: "keep one of \(key), \(key)_file, \(key)_env")
    }
    if given.isEmpty, isRequired {
      problems.add(
        at: reader.location, "there is no '\(key)'",
        remedy: "add '\(key)_file: PATH', '\(key)_env: NAME' or '\(key): …'")
    }
    return given.first
  }

  private func resolved(_ path: String) -> String {
    path.hasPrefix("/") || folder.isEmpty ? path : folder + "/" + path
  }
}
