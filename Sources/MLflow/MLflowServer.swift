public import Foundation
internal import HTTP
internal import JSON

/// Where an MLflow tracking server is and who asks it.
public struct MLflowServer: Sendable, Hashable {
  /// Its address, such as `http://127.0.0.1:5000`, without a slash at the end.
  public var address: String
  /// The experiment that runs go into; made when it is not there.
  public var experiment: String
  /// The whole `Authorization` header; nil sends none.
  var authorization: String?
  /// How long one request may take.
  public var timeoutSeconds = 60
  /// Pauses before a request is sent again that no answer came to, or a 5xx or 429.
  public var pausesSeconds: [Double] = [0.5, 2]

  /// A server at an address. User and password, or a token, come from MLflow's own environment variables.
  public init(
    address: String, experiment: String = "lakeward",
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    var address = address
    while address.hasSuffix("/") { address.removeLast() }
    self.address = address
    self.experiment = experiment
    if let token = environment["MLFLOW_TRACKING_TOKEN"], !token.isEmpty {
      authorization = "Bearer \(token)"
    } else if let user = environment["MLFLOW_TRACKING_USERNAME"], !user.isEmpty {
      let pair = "\(user):\(environment["MLFLOW_TRACKING_PASSWORD"] ?? "")"
      authorization = "Basic " + Data(pair.utf8).base64EncodedString()
    }
  }

  /// Whether the address is one that this client can speak to.
  public var isHTTP: Bool { address.hasPrefix("http://") || address.hasPrefix("https://") }

  // MARK: Requests

  /// Asks the REST API (version 2.0): POST with a body, GET without.
  func call(_ endpoint: String, _ body: JSONObject? = nil, method: String? = nil) throws(MLflowError) -> JSONObject {
    let bytes = body.map { Array(JSONValue.object($0).text.utf8) }
    let answer = try send(
      method ?? (body == nil ? "GET" : "POST"), "/api/2.0/mlflow/\(endpoint)", bytes, type: "application/json")
    guard let object = JSONValue(parsing: String(decoding: answer, as: UTF8.self))?.object else {
      throw MLflowError(server: address, step: endpoint, reason: "the answer is not JSON")
    }
    return object
  }

  /// Puts a file into the server's artifact store.
  func upload(_ bytes: [UInt8], to path: String) throws(MLflowError) {
    _ = try send(
      "PUT", "/api/2.0/mlflow-artifacts/artifacts/\(Self.escaped(path))", bytes, type: "application/octet-stream")
  }

  private func send(_ method: String, _ path: String, _ body: [UInt8]?, type: String) throws(MLflowError) -> [UInt8] {
    var headers = [(name: String, value: String)]()
    if body != nil { headers.append(("Content-Type", type)) }
    if let authorization { headers.append(("Authorization", authorization)) }
    let request = HTTPRequest(
      method: method, url: address + path, headers: headers, body: body, timeoutSeconds: timeoutSeconds)
    let step = "\(method) \(path.prefix { $0 != "?" })"
    var failure = MLflowError(server: address, step: step, reason: "it was not asked")
    for pause in [0] + pausesSeconds {
      if pause > 0 { Thread.sleep(forTimeInterval: pause) }
      do {
        let response = try request.send()
        switch response.status {
        case 200..<300: return response.body
        case 429, 500...:
          failure = MLflowError(server: address, step: step, reason: "status \(response.status)")
        default: throw Self.refusal(response, server: address, step: step)
        }
      } catch let error as HTTPError {
        failure = MLflowError(server: address, step: step, reason: error.description)
      } catch {
        throw error as? MLflowError ?? MLflowError(server: address, step: step, reason: "\(error)")
      }
    }
    throw failure
  }

  private static func refusal(_ response: HTTPRequest.Response, server: String, step: String) -> MLflowError {
    let object = JSONValue(parsing: String(decoding: response.body, as: UTF8.self))?.object
    return MLflowError(
      server: server, step: step, reason: object?["message"]?.string ?? "status \(response.status)",
      code: object?["error_code"]?.string)
  }

  /// A path or a query's value with everything but letters, digits, `-._~` and `/` escaped.
  static func escaped(_ text: String) -> String {
    text.addingPercentEncoding(
      withAllowedCharacters: CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")) ?? text
  }
}

/// A tracking server that did not answer, or refused.
public struct MLflowError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The server's address.
  public var server: String
  /// What it was asked.
  public var step: String
  /// What it, or the network, said.
  public var reason: String
  /// MLflow's error code, such as `RESOURCE_DOES_NOT_EXIST`.
  public var code: String?

  /// One line.
  public var description: String { "MLflow at \(server): \(step): \(reason)" }
}
