internal import DeltaLake
internal import HTTP

/// Hands one notice to a notifier: one attempt, no memory.
struct Sender: Sendable {
  /// How an attempt ended. Texts name hosts and status codes, never what was sent.
  enum Outcome: Sendable, Hashable {
    /// The other side has taken it.
    case delivered
    /// It may work later; seconds to wait if the other side said so. `isAway`: other messages would fare no better now.
    case failed(String, retryAfterSeconds: Double? = nil, isAway: Bool = false)
    /// It will not work.
    case refused(String)
  }

  var notifier: Notifier
  /// Which of several numbers or addresses.
  var recipient = 0
  /// Microseconds since 1970.
  var now: Int64

  func send(_ notice: Notice) -> Outcome {
    do {
      switch notifier.channel {
      case .webhook(let url, let secret): return try webhook(notice, url, secret)
      case .slack(let url): return try post(url, Payloads.slack(notice))
      case .pagerDuty(let url, let key): return try post(url, Payloads.pagerDuty(notice, routingKey: key.read()))
      case .email(let mail): return try send(notice, mail)
      case .sms(let gateway): return try send(notice, gateway)
      }
    } catch let error as SecretError {
      // Somebody may put the file in its place.
      return .failed(error.description, isAway: true)
    } catch let error as HTTPError {
      return .failed(error.description, isAway: true)
    } catch {
      return .failed("it could not be sent", isAway: true)
    }
  }

  private func webhook(_ notice: Notice, _ url: Secret, _ secret: Secret?) throws -> Outcome {
    let body = Payloads.webhook(notice)
    let seconds = now / 1_000_000
    var headers = [
      ("Lakeward-Delivery", notice.id), ("Lakeward-Timestamp", String(seconds)), ("Idempotency-Key", notice.id),
    ]
    if let secret {
      headers.append(
        ("Lakeward-Signature", "v1=" + Payloads.signature(body, timestamp: seconds, secret: try secret.read())))
    }
    return try post(url, body, headers: headers)
  }

  private func post(
    _ url: Secret, _ body: String, method: String = "POST", contentType: String = "application/json",
    headers: [(String, String)] = []
  ) throws -> Outcome {
    let fields = [("Content-Type", contentType), ("User-Agent", "Lakeward")] + headers
    let response = try HTTPRequest(
      method: method, url: try url.read(), headers: fields.map { (name: $0.0, value: $0.1) }, body: Array(body.utf8),
      timeoutSeconds: notifier.timeoutSeconds
    ).send()
    switch response.status {
    case 200..<300: return .delivered
    case 408, 425, 429, 500...:
      return .failed(
        "status \(response.status)", retryAfterSeconds: response.headers["retry-after"].flatMap(Double.init),
        isAway: [429, 502, 503, 504].contains(response.status))
    default: return .refused("status \(response.status)")
    }
  }

  private func send(_ notice: Notice, _ mail: Notifier.Mail) throws -> Outcome {
    // Each recipient is a delivery of its own, so that an address that is wrong keeps nobody else from the mail.
    guard mail.to.indices.contains(recipient) else { return .refused("there is no such address any more") }
    let transfer = MailTransfer(
      server: mail.server, encryption: mail.encryption, username: mail.username, password: try mail.password?.read(),
      certificateFile: mail.certificateFile, timeoutSeconds: notifier.timeoutSeconds)
    switch try transfer.send(
      Payloads.mail(notice, from: mail.from, to: mail.to), from: mail.from, to: [mail.to[recipient]])
    {
    case .accepted: return .delivered
    // 421: the server closes down.
    case .refused(let code) where code < 500: return .failed("mail server's reply \(code)", isAway: code == 421)
    case .refused(let code): return .refused("mail server's reply \(code)")
    }
  }

  private func send(_ notice: Notice, _ gateway: Notifier.Gateway) throws -> Outcome {
    let headers = try gateway.headers.sorted { $0.key < $1.key }.map { ($0.key, try $0.value.read()) }
    // Each number is a delivery of its own, so that one that fails does not repeat the others.
    guard gateway.to.indices.contains(recipient) else { return .refused("there is no such number any more") }
    return try post(
      gateway.url, Payloads.sms(notice, gateway, to: gateway.to[recipient]), method: gateway.method,
      contentType: gateway.contentType, headers: headers + [("Idempotency-Key", notice.id)])
  }
}
