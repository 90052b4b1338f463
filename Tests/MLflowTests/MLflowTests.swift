import Foundation
import LakewardTesting
import Models
import Testing

@testable import MLflow

/// Publishing to a real server, and what becomes of it when there is none.
@Suite struct MLflowTests {
  private static let features = ["heart_rate", "temperature", "glucose"]

  private static func model(_ kind: ModelKind = .randomForest) throws -> TrainedModel {
    var dataset = Dataset(features: features)
    var state: UInt64 = 7
    func unit() -> Float {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) * 0x1p-24
    }
    for index in 0..<400 {
      let isIll = unit() < 0.4
      let shift: Float = isIll ? 1 : 0
      dataset.append(
        [70 + 10 * shift + 40 * unit(), unit() < 0.1 ? .nan : 36.5 + 0.5 * shift + 2 * unit(), 90 + 30 * unit()],
        target: isIll ? 1 : 0, group: Int32(index % 80))
    }
    var specification = TrainingSpecification(name: "risk", features: features, label: "bad", group: "patient_id")
    specification.learners = [try Learner(kind)]
    specification.folds = 2
    specification.repetitions = 1
    return try Trainer.train(specification, dataset)
  }

  private static func rows() -> [[Float]] { [[75, 36.6, 100], [99, .nan, 115], [120, 38.9, 60]] }

  @Test(.enabled(if: PythonEnvironment.mlflow.isReady)) func theModelLoadsThereAndPredictsTheSame() throws {
    let directory = try TemporaryDirectory("mlflow")
    let interpreter = try #require(MLflowProcess.interpreter)
    let process = try MLflowProcess(interpreter: interpreter, folder: directory.path)
    let registry = ModelRegistry(directory: directory.file("models"))
    let entry = try registry.register(try Self.model())
    var server = MLflowServer(address: process.address + "/", experiment: "ward", environment: [:])
    // It takes long to start on a busy machine; each pause is one more attempt.
    server.pausesSeconds = Array(repeating: 1, count: 90)
    let receipt: MLflowPublisher.Receipt
    do {
      receipt = try MLflowPublisher(server).publish(entry)
    } catch {
      Issue.record("\(error)\n\(process.log)")
      return
    }
    #expect(receipt.modelVersion == "1")
    // Once is enough, and a second version is one more there.
    #expect(try MLflowPublisher(server).publish(entry) == receipt)
    let second = try MLflowPublisher(server).publish(try registry.register(try Self.model()))
    #expect(second.modelVersion == "2" && second.experiment == receipt.experiment)
    let logistic = try registry.register(try Self.model(.logisticRegression), promote: false)
    #expect(try MLflowPublisher(server).publish(logistic).modelVersion == nil)

    let outcome = try MLflowProcess.run(interpreter, source: Self.script, [process.address, receipt.run])
    #expect(outcome.succeeded, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n").map(String.init)
    let expected = try entry.scorer().model.predict(Self.rows().flatMap { $0 })
    for (name, line) in zip(["xgboost", "pyfunc"], lines.suffix(3)) {
      let found = line.split(separator: " ").dropFirst().compactMap { Float($0) }
      #expect(line.hasPrefix(name))
      #expect(found.count == 3 && zip(found, expected).allSatisfy { abs($0 - $1) < 1e-6 }, "\(line) \(expected)")
    }
    let run = try #require(lines.last)
    #expect(run.contains("random-forest FINISHED"))
    #expect(run.contains("\(entry.card.metrics?.accuracy ?? -1)"))
    // The server and its folder end with their last reference.
    withExtendedLifetime((directory, process)) {}
  }

  /// Loads by both flavours, scores the rows of the test, and says what the run holds.
  private static let script = """
    import sys, mlflow, mlflow.xgboost, numpy, pandas, xgboost
    mlflow.set_tracking_uri(sys.argv[1])
    names = ["heart_rate", "temperature", "glucose"]
    rows = numpy.array([[75, 36.6, 100], [99, numpy.nan, 115], [120, 38.9, 60]], dtype=numpy.float32)
    model = mlflow.xgboost.load_model("models:/risk/1")
    print("xgboost", *model.predict(xgboost.DMatrix(rows, feature_names=names)))
    print("pyfunc", *mlflow.pyfunc.load_model("models:/risk/1").predict(pandas.DataFrame(rows, columns=names)))
    run = mlflow.MlflowClient().get_run(sys.argv[2])
    print("run", run.data.params["algorithm"], run.info.status, run.data.metrics["accuracy"])
    """

  @Test func anAbsentServerIsAClearErrorAndLeavesNothing() throws {
    let directory = try TemporaryDirectory("mlflow-absent")
    let registry = ModelRegistry(directory: directory.file("models"))
    let entry = try registry.register(try Self.model())
    var server = MLflowServer(address: "http://127.0.0.1:\(try FreePort.next())", environment: [:])
    server.pausesSeconds = []
    let error = #expect(throws: MLflowError.self) { try MLflowPublisher(server).publish(entry) }
    #expect(error?.description.contains("experiments/get-by-name") == true)
    #expect(MLflowPublisher(server).receipt(of: entry) == nil)
    let file = MLflowServer(address: "file:///tmp/mlruns", environment: [:])
    #expect(throws: MLflowError.self) { try MLflowPublisher(file).publish(entry) }
  }

  @Test func credentialsAndPathsAreAsMLflowHasThem() throws {
    #expect(MLflowServer(address: "http://h", environment: [:]).authorization == nil)
    #expect(
      MLflowServer(address: "http://h", environment: ["MLFLOW_TRACKING_TOKEN": "t"]).authorization == "Bearer t")
    let basic = MLflowServer(
      address: "http://h", environment: ["MLFLOW_TRACKING_USERNAME": "u", "MLFLOW_TRACKING_PASSWORD": "p"])
    #expect(basic.authorization == "Basic dTpw")
    #expect(try MLflowPublisher.artifactPath("mlflow-artifacts:/1/r/artifacts", server: "") == "1/r/artifacts")
    #expect(try MLflowPublisher.artifactPath("mlflow-artifacts://h:1/1/r/artifacts", server: "") == "1/r/artifacts")
    #expect(throws: MLflowError.self) { try MLflowPublisher.artifactPath("s3://bucket/1", server: "") }
    #expect(MLflowServer.escaped("a b/ü") == "a%20b/%C3%BC")
  }
}
