public import HTTP

/// Somebody who can be told of alerts: an entry under `notifiers` in `lakeward.yml`.
public struct Notifier: Sendable, Hashable {
  /// How a message gets there.
  public enum Channel: Sendable, Hashable {
    /// A POST of JSON, signed with HMAC-SHA-256 if there is a secret.
    case webhook(url: Secret, secret: Secret?)
    /// Slack's incoming webhook.
    case slack(url: Secret)
    /// PagerDuty's Events API v2.
    case pagerDuty(url: Secret, routingKey: Secret)
    /// A mail server.
    case email(Mail)
    /// An SMS gateway that takes HTTP requests.
    case sms(Gateway)
  }

  /// A mail server and who writes to whom.
  public struct Mail: Sendable, Hashable {
    /// `smtp://HOST:PORT` or `smtps://HOST:PORT`.
    public var server: String
    /// Sender's address.
    public var from: String
    /// Recipients' addresses.
    public var to: [String]
    /// Whether the connection must be encrypted.
    public var encryption = MailTransfer.Encryption.required
    /// Login name.
    public var username: String?
    /// Password.
    public var password: Secret?
    /// Trusted certificates in PEM.
    public var certificateFile: String?
  }

  /// A gateway's request, made from templates with `{to}`, `{text}` and `{id}`.
  public struct Gateway: Sendable, Hashable {
    /// Where the request goes.
    public var url: Secret
    /// `POST` unless it says otherwise.
    public var method = "POST"
    /// Header fields; the values are secrets.
    public var headers: [String: Secret] = [:]
    /// Template of the body.
    public var body: String
    /// Its media type; decides how values are escaped: JSON, or a form.
    public var contentType = "application/json"
    /// Telephone numbers; one request each.
    public var to: [String]
  }

  /// The name that policies use.
  public var name: String
  /// How a message gets there.
  public var channel: Channel
  /// Whether it is also told when an alert is acknowledged or over.
  public var followsUp: Bool
  /// Whether it may see the patient's (pseudonymous) id.
  public var showsPatient = true
  /// Seconds for one attempt.
  public var timeoutSeconds = 20
  /// Seconds after which a message is given up.
  public var giveUpSeconds: Double = 86_400

  /// A notifier. Webhooks and PagerDuty are told of the end of an alert, people's channels are not.
  public init(name: String, channel: Channel) {
    self.name = name
    self.channel = channel
    switch channel {
    case .webhook, .pagerDuty: followsUp = true
    case .slack, .email, .sms: followsUp = false
    }
  }

  /// How many deliveries one message is: telephone numbers and addresses are told one by one.
  var recipients: Int {
    switch channel {
    case .sms(let gateway): gateway.to.count
    case .email(let mail): mail.to.count
    case .webhook, .slack, .pagerDuty: 1
    }
  }

  /// Whether several alerts can go in one message.
  var takesGroups: Bool { if case .pagerDuty = channel { false } else { true } }
}

/// Who can be told, and what messages have in common.
public struct AlertSettings: Sendable, Hashable {
  /// The notifiers by name.
  public var notifiers: [String: Notifier] = [:]
  /// A template of the address at which an alert can be seen, with `{id}`.
  public var link: String?

  /// Nobody can be told.
  public init() {}
}

extension Notifier {
  /// Looks whether every secret can be read.
  /// - Throws: ``SecretError`` naming the first file or variable that is not there.
  public func checkSecrets() throws {
    var secrets: [Secret?] = []
    switch channel {
    case .webhook(let url, let secret): secrets = [url, secret]
    case .slack(let url): secrets = [url]
    case .pagerDuty(let url, let key): secrets = [url, key]
    case .email(let mail): secrets = [mail.password]
    case .sms(let gateway): secrets = [gateway.url] + gateway.headers.values.map { $0 }
    }
    for secret in secrets { _ = try secret?.read() }
  }
}
