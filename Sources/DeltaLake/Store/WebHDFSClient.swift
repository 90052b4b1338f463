internal import JSON
import Foundation
internal import HTTP

/// Requests of the WebHDFS REST protocol ("WebHDFS REST API" of the Hadoop documentation) to the active name node.
struct WebHDFSClient: Sendable {
  /// An error that the server names (`RemoteException`), or a status without a name.
  struct Refusal: Error {
    var status: Int
    /// Simple class name, such as `FileNotFoundException`.
    var exception: String

    /// Another name node, or the same one later, may do what was asked for.
    var isTransient: Bool {
      ["StandbyException", "RetriableException", "SafeModeException", "NamenodeInStandbyException"].contains(exception)
        || status >= 500 && exception.isEmpty
    }
  }

  private let location: String
  private let endpoints: [String]
  private let identity: (name: String, value: String)?

  /// - Parameter endpoints: `http://HOST:PORT` of every name node.
  init(location: String, endpoints: [String], user: String?, token: String?) {
    self.location = location
    self.endpoints = endpoints
    identity = token.map { ("delegation", $0) } ?? user.map { ("user.name", $0) }
  }

  /// One operation on a path; a redirect to a data node is followed with `body`.
  ///
  /// - Returns: the answer, status 2xx.
  /// - Throws: `unreachable` when no name node answers, else what the server says.
  func perform(
    _ method: String, _ path: String, _ operation: String, _ parameters: [(name: String, value: String)] = [],
    body: [UInt8]? = nil, doing: String
  ) throws(DeltaError) -> HTTPRequest.Response {
    do throws(Refusal) {
      return try send(method, path, operation, parameters, body: body)
    } catch {
      throw failure(error, path, doing)
    }
  }

  /// As `perform`, nil when the server says that there is no such file.
  func find(
    _ method: String, _ path: String, _ operation: String, _ parameters: [(name: String, value: String)] = [],
    doing: String
  ) throws(DeltaError) -> HTTPRequest.Response? {
    do throws(Refusal) {
      return try send(method, path, operation, parameters, body: nil)
    } catch {
      if error.exception == "FileNotFoundException" || error.status == 404 { return nil }
      throw failure(error, path, doing)
    }
  }

  private static let rounds = 3

  private func send(
    _ method: String, _ path: String, _ operation: String, _ parameters: [(name: String, value: String)],
    body: [UInt8]?
  ) throws(Refusal) -> HTTPRequest.Response {
    var query = [(name: "op", value: operation)] + parameters
    if let identity { query.append(identity) }
    let target = "/webhdfs/v1" + S3Signature.encode(path, keepSlash: true) + "?" + S3Signature.queryText(query)
    var last = Refusal(status: 0, exception: "")
    for round in 0..<Self.rounds {
      if round > 0 { Thread.sleep(forTimeInterval: 0.05 * Double(1 << round)) }
      for endpoint in endpoints {
        do throws(Refusal) {
          return try exchange(method, endpoint + target, body)
        } catch {
          guard error.status == 0 || error.isTransient else { throw error }
          // A name node that answers tells more than one that does not.
          if error.status != 0 || last.status == 0 { last = error }
        }
      }
    }
    throw last
  }

  private func exchange(_ method: String, _ url: String, _ body: [UInt8]?) throws(Refusal) -> HTTPRequest.Response {
    var response = try answer(HTTPRequest(method: method, url: url, body: method == "GET" ? nil : []))
    // The first request carries no data: it asks where to send them.
    if response.status == 307, let next = response.headers["location"] {
      response = try answer(
        HTTPRequest(
          method: method, url: next, headers: body == nil ? [] : [("content-type", "application/octet-stream")],
          body: method == "GET" ? nil : body ?? []))
    }
    guard (200..<300).contains(response.status) else {
      let remote = JSONValue(parsing: String(decoding: response.body, as: UTF8.self))?.object?["RemoteException"]?
        .object
      throw Refusal(status: response.status, exception: remote?["exception"]?.string ?? "")
    }
    return response
  }

  private func answer(_ request: HTTPRequest) throws(Refusal) -> HTTPRequest.Response {
    do throws(HTTPError) {
      return try request.send()
    } catch {
      throw Refusal(status: 0, exception: error.description)
    }
  }

  private func failure(_ refusal: Refusal, _ path: String, _ doing: String) -> DeltaError {
    let what = "\(location): \(path) cannot be \(doing)"
    if refusal.status == 0 {
      return DeltaError(
        .unreachable, "\(what): \(refusal.exception)",
        hint: "check the address of the name node's WebHDFS port and the network")
    }
    switch refusal.exception {
    case "FileNotFoundException": return DeltaError(.missingFile, "\(what): there is none")
    case "AccessControlException", "SecurityException", "AuthorizationException", "InvalidToken":
      return DeltaError(.permissionDenied, "\(what): refused", hint: "check the user name and the rights of the folder")
    case "DSQuotaExceededException", "NSQuotaExceededException", "QuotaExceededException",
      "QuotaByStorageTypeExceededException":
      return DeltaError(.diskFull, "\(what): the quota of the folder is used up", hint: "raise the quota or make room")
    case "StandbyException", "RetriableException", "SafeModeException", "NamenodeInStandbyException":
      return DeltaError(
        .unreachable, "\(what): no name node is active (\(refusal.exception))",
        hint: "name all name nodes, or wait until one has left safe mode")
    case "":
      if refusal.status == 401 || refusal.status == 403 {
        return DeltaError(
          .permissionDenied, "\(what): refused with status \(refusal.status)",
          hint: "check the user name; a cluster with Kerberos needs a delegation token")
      }
      if refusal.status == 404 { return DeltaError(.missingFile, "\(what): there is none") }
      return DeltaError(.storage, "\(what): status \(refusal.status)")
    default: return DeltaError(.storage, "\(what): \(refusal.exception), status \(refusal.status)")
    }
  }
}
