internal import Foundation
internal import JSON
public import Models

/// Takes versions of a registry to an MLflow server: one run with parameters, metrics and files, and a version of the
/// registered model of the same name.
///
/// What has been published stands in `mlflow.json` of the version's folder, so that asking again does nothing.
public struct MLflowPublisher: Sendable {
  /// What a version became on the server.
  public struct Receipt: Sendable, Hashable, Codable {
    /// The server's address.
    public var server: String
    /// The experiment's identifier.
    public var experiment: String
    /// The run.
    public var run: String
    /// The version of the registered model; nil for models that MLflow cannot load, which have a run only.
    public var modelVersion: String?
  }

  private let server: MLflowServer

  /// A publisher for a server.
  public init(_ server: MLflowServer) { self.server = server }

  /// The receipt of an earlier publication to this server; nil if there is none.
  public func receipt(of entry: ModelRegistry.Entry) -> Receipt? {
    guard let data = FileManager.default.contents(atPath: Self.path(entry)),
      let receipt = try? JSONDecoder().decode(Receipt.self, from: data), receipt.server == server.address
    else { return nil }
    return receipt
  }

  /// Publishes a version unless that has been done already.
  ///
  /// A failure leaves a run marked as failed, if the server can still be reached, and nothing else; it can be repeated.
  @discardableResult
  public func publish(_ entry: ModelRegistry.Entry) throws(MLflowError) -> Receipt {
    if let receipt = receipt(of: entry) { return receipt }
    guard server.isHTTP else {
      throw MLflowError(
        server: server.address, step: "tracking URI",
        reason: "only http:// and https:// servers are supported; start one with `mlflow server`")
    }
    let card = entry.card
    let experiment = try experimentIdentifier()
    let now = Int64(Date().timeIntervalSince1970 * 1_000)
    let created = try server.call(
      "runs/create",
      [
        "experiment_id": .string(experiment), "start_time": .int(now),
        "run_name": .string("\(card.name) \(card.version)"),
        "tags": .array(tags(card)),
      ])
    let info = created["run"]?.object?["info"]?.object
    guard let run = info?["run_id"]?.string, let place = info?["artifact_uri"]?.string else {
      throw MLflowError(server: server.address, step: "runs/create", reason: "the answer names no run")
    }
    do throws(MLflowError) {
      try log(card, run: run, time: now)
      try upload(entry, run: run, to: try Self.artifactPath(place, server: server.address))
      let version = entry.holdsTrees ? try register(card, run: run, source: "\(place)/model") : nil
      try finish(run, status: "FINISHED")
      let receipt = Receipt(server: server.address, experiment: experiment, run: run, modelVersion: version)
      if let data = try? JSONEncoder().encode(receipt) { try? data.write(to: URL(fileURLWithPath: Self.path(entry))) }
      return receipt
    } catch {
      try? finish(run, status: "FAILED")
      throw error
    }
  }

  private static func path(_ entry: ModelRegistry.Entry) -> String { "\(entry.directory)/mlflow.json" }

  // MARK: Steps

  private func experimentIdentifier() throws(MLflowError) -> String {
    let query = "experiments/get-by-name?experiment_name=\(MLflowServer.escaped(server.experiment))"
    do throws(MLflowError) {
      if let found = try server.call(query)["experiment"]?.object?["experiment_id"]?.string { return found }
    } catch {
      guard error.code == "RESOURCE_DOES_NOT_EXIST" else { throw error }
    }
    do throws(MLflowError) {
      let made = try server.call("experiments/create", ["name": .string(server.experiment)])
      if let identifier = made["experiment_id"]?.string { return identifier }
    } catch {
      // Somebody else was faster.
      guard error.code == "RESOURCE_ALREADY_EXISTS" else { throw error }
    }
    guard let found = try server.call(query)["experiment"]?.object?["experiment_id"]?.string else {
      throw MLflowError(server: server.address, step: "experiments", reason: "the answer names no experiment")
    }
    return found
  }

  private func tags(_ card: ModelCard) -> [JSONValue] {
    [
      ("lakeward.model", card.name), ("lakeward.version", card.version),
      ("lakeward.model_fingerprint", card.modelFingerprint), ("lakeward.data_fingerprint", card.data.fingerprint),
      ("mlflow.source.name", "lakeward train \(card.name)"), ("mlflow.source.type", "LOCAL"),
    ].map { pair in .object(["key": .string(pair.0), "value": .string(pair.1)]) }
  }

  private func log(_ card: ModelCard, run: String, time: Int64) throws(MLflowError) {
    var parameters: [(String, String)] = [
      ("algorithm", card.algorithm.rawValue), ("balance", card.balance), ("seed", String(card.seed)),
      ("label", card.label), ("group", card.group), ("features", card.features.joined(separator: ",")),
      ("rows", String(card.data.rows)), ("training_rows", String(card.data.trainingRows)),
      ("test_rows", String(card.data.testRows)),
    ]
    parameters += card.settings.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
    let metrics = card.figures.filter { $0.value.isFinite }.sorted { $0.key < $1.key }
    _ = try server.call(
      "runs/log-batch",
      [
        "run_id": .string(run),
        "params": .array(
          // MLflow cuts nothing itself: longer values are refused.
          parameters.map { .object(["key": .string($0.0), "value": .string(String($0.1.prefix(6_000)))]) }),
        "metrics": .array(
          metrics.map {
            .object(["key": .string($0.key), "value": .double($0.value), "timestamp": .int(time), "step": .int(0)])
          }),
      ])
  }

  /// `mlflow-artifacts:/1/RUN/artifacts` is `1/RUN/artifacts` below the server's own artifact store.
  static func artifactPath(_ place: String, server: String) throws(MLflowError) -> String {
    guard let scheme = ["mlflow-artifacts:"].first(where: place.hasPrefix) else {
      throw MLflowError(
        server: server, step: "artifacts",
        reason: "files of this experiment go to \(place.prefix { $0 != ":" }): storage, not through the server",
        code: nil)
    }
    let rest = place.dropFirst(scheme.count)
    // With a host it is `mlflow-artifacts://HOST/PATH`.
    guard rest.hasPrefix("//") else { return String(rest.drop { $0 == "/" }) }
    return rest.dropFirst(2).split(separator: "/", omittingEmptySubsequences: true).dropFirst().joined(separator: "/")
  }

  private func upload(_ entry: ModelRegistry.Entry, run: String, to place: String) throws(MLflowError) {
    let manager = FileManager.default
    let names = ((try? manager.contentsOfDirectory(atPath: entry.directory)) ?? []).sorted()
    for name in names where !name.hasPrefix(".") && name != "mlflow.json" {
      guard let data = manager.contents(atPath: "\(entry.directory)/\(name)") else {
        throw MLflowError(
          server: server.address, step: "artifacts", reason: "\(entry.directory)/\(name) cannot be read")
      }
      let isModel = name == entry.card.algorithm.fileName
      try server.upload(Array(data), to: "\(place)/\(isModel && entry.holdsTrees ? "model/" : "")\(name)")
    }
    guard entry.holdsTrees else { return }
    let description = ModelDescription(card: entry.card, run: run, file: entry.card.algorithm.fileName)
    for (name, text) in description.files.sorted(by: { $0.key < $1.key }) {
      try server.upload(Array(text.utf8), to: "\(place)/model/\(name)")
    }
  }

  private func register(_ card: ModelCard, run: String, source: String) throws(MLflowError) -> String {
    do throws(MLflowError) {
      _ = try server.call("registered-models/create", ["name": .string(card.name)])
    } catch {
      guard error.code == "RESOURCE_ALREADY_EXISTS" else { throw error }
    }
    let answer = try server.call(
      "model-versions/create",
      [
        "name": .string(card.name), "source": .string(source), "run_id": .string(run),
        "tags": .array([.object(["key": .string("lakeward.version"), "value": .string(card.version)])]),
      ])
    guard let version = answer["model_version"]?.object?["version"] else {
      throw MLflowError(server: server.address, step: "model-versions/create", reason: "the answer names no version")
    }
    return version.string ?? version.int.map(String.init) ?? ""
  }

  private func finish(_ run: String, status: String) throws(MLflowError) {
    let now = Int64(Date().timeIntervalSince1970 * 1_000)
    _ = try server.call(
      "runs/update", ["run_id": .string(run), "status": .string(status), "end_time": .int(now)])
  }
}

extension ModelRegistry.Entry {
  /// Whether the model's file is one of XGBoost's, which MLflow can load.
  fileprivate var holdsTrees: Bool { card.algorithm.fileName.hasSuffix(".ubj") }
}
