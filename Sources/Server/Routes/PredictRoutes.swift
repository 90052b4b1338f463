internal import HTTP
internal import JSON
internal import Models

/// Predictions for records that the caller brings. No SQL engine is on this path.
enum PredictRoutes {
  private static let group = "Predictions"

  static func endpoints(_ context: ServerContext) -> [Endpoint] {
    let models = context.models
    let shap = Endpoint.Parameter("shap", .flag, "Whether to say what each feature adds", default: "true")
    let example =
      #"{"pregnancies":0,"glucose":137,"blood_pressure":40,"skin_thickness":35,"insulin":168,"bmi":43.1,"#
      + #""diabetes_pedigree_function":2.288,"age":33}"#
    return [
      Endpoint(
        .post, "/predict", group: group, "Predicts diabetes for one record of measurements", needs: .predict,
        answers: [.init(200, "The answer", answer)]
      ) { call in try one(call, models, "diabetes") }
      .with {
        $0.details =
          "A field that is missing or null counts as not measured. What each feature adds sums up with the "
          + "base value to the score on contribution_scale."
        $0.parameters = [shap]
        $0.body = .json(record(models.definedFeatures(of: "diabetes")), limit: 64 << 10, example: example)
        $0.problems = [404]
        $0.isQuick = true
      },
      Endpoint(
        .post, "/predict/{model}", group: group, "The same with any model of the registry", needs: .predict,
        answers: [.init(200, "The answer", answer)]
      ) { call in try one(call, models, call.path["model"] ?? "") }
      .with {
        $0.parameters = [.init("model", .text(longest: 64), "The model"), shap]
        $0.body = .json(record(nil), limit: 64 << 10)
        $0.isQuick = true
      },
      Endpoint(
        .post, "/predict_batch", group: group, "Risk of many records at once: High, Medium or Low", needs: .predict,
        answers: [
          .init(
            200, "Answers in the order of the records; one object per line for NDJSON",
            [
              (
                "application/json",
                .object(
                  [
                    "model": .text(), "model_version": .text(), "count": .integer(),
                    "results": .list(of: .object(["risk": .text(), "probability": .number()], required: ["risk"])),
                  ], required: ["model", "model_version", "count", "results"])
              ), ("application/x-ndjson", .text()),
            ])
        ]
      ) { call in try batch(call, models) }
      .with {
        $0.details =
          "A JSON array of records, or NDJSON: then the answer is NDJSON too. All records are taken, or none: "
          + "errors name the record's place, as in /3/age."
        $0.parameters = [
          .init("model", .text(longest: 64), "The model", default: "risk"),
          .init("shap", .flag, "Whether to say what each feature adds", default: "false"),
        ]
        let records = record(models.definedFeatures(of: "risk"))
        $0.body = .init(
          [("application/json", .list(of: records, least: 1)), ("application/x-ndjson", .text("A record per line"))],
          limit: 32 << 20)
        $0.problems = [404]
      },
    ]
  }

  private static let answer = Schema.object(
    [
      "model": .text(), "model_version": .text(), "risk": .text("High, Medium or Low; or the class"),
      "probability": .number("Of the positive class, or of the class that is named"), "prediction": .integer(in: 0...1),
      "threshold": .number(), "probabilities": .map(of: .number(), "Of every class, where there are more than two"),
      "contribution_scale": .text(words: ["probability", "margin", "score"]), "base_value": .number(),
      "shap_values": .map(of: .number()),
    ], required: ["model", "model_version", "risk", "probability"])

  private static func record(_ features: [ServedFeature]?) -> Schema {
    guard let features else { return .map(of: Schema.number().orNull, "Features by name; null is missing") }
    let fields = features.map { feature in
      let text = [feature.summary, feature.unit.map { "in \($0)" }].compactMap { $0 }.joined(separator: ", ")
      // Zero may stand for "not measured", below the least value.
      let minimum = feature.zeroIsMissing ? 0 : feature.minimum
      return (feature.name, Schema.number(text, minimum: minimum, maximum: feature.maximum).orNull)
    }
    return .object(fields, isOpen: false)
  }

  // MARK: One record

  private static func one(_ call: Call, _ models: ServedModels, _ name: String) throws -> ServerResponse {
    let model = try models.model(name)
    var records = RecordReader(model)
    try call.request.body.withUnsafeBufferPointer { bytes in
      var reader = JSONReader(bytes)
      try records.read(&reader, prefix: "")
      guard reader.isAtEnd() else { throw reader.failure("text follows the record") }
    }
    guard records.errors.isEmpty else { throw invalid(records.errors) }
    let rows = model.scorer.rows(ofReadings: records.rows)
    let scores = try model.scorer.predict(rows)
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("model", model.card.name)
    writer.member("model_version", model.card.version)
    let output = writeScore(scores[...], model, to: &writer)
    if call.query["shap"] != "false" {
      let values = try model.scorer.model.contributions(rows, output: output)
      writeReasons(values[...], model, to: &writer)
    }
    writer.endObject()
    return .json(writer.bytes)
  }

  private static func invalid(_ errors: [Problem.FieldError]) -> Problem {
    Problem(422, "invalid-record", "The record is not what the model takes", errors: errors)
  }

  /// Risk and probability; returns the output that contributions are about.
  private static func writeScore(_ scores: ArraySlice<Float>, _ model: ServedModel, to writer: inout JSONWriter) -> Int
  {
    guard scores.count > 1, let classes = model.card.classes else {
      let probability = scores.first ?? .nan
      writer.member("risk", model.risk(of: Double(probability)))
      writer.key("probability")
      writer.write(probability)
      if let threshold = model.card.threshold {
        writer.member("prediction", Int64(Double(probability) >= threshold ? 1 : 0))
        writer.key("threshold")
        writer.write(threshold)
      }
      return 0
    }
    var best = scores.startIndex
    for index in scores.indices where scores[index] > scores[best] { best = index }
    let place = best - scores.startIndex
    writer.member("risk", classes[place])
    writer.key("probability")
    writer.write(scores[best])
    writer.key("probabilities")
    writer.beginObject()
    for (name, score) in zip(classes, scores) {
      writer.key(name)
      writer.write(score)
    }
    writer.endObject()
    return place
  }

  private static func writeReasons(
    _ contributions: ArraySlice<Float>, _ model: ServedModel, to writer: inout JSONWriter
  ) {
    writer.member("contribution_scale", model.scorer.model.contributionScale.rawValue)
    writer.key("base_value")
    writer.write(contributions.last ?? 0)
    writer.key("shap_values")
    writer.beginObject()
    for (feature, value) in zip(model.features, contributions) {
      writer.key(feature.name)
      writer.write(value)
    }
    writer.endObject()
  }

  // MARK: Many records

  private static func batch(_ call: Call, _ models: ServedModels) throws -> ServerResponse {
    let model = try models.model(call.query["model"] ?? "risk")
    let isLines = call.request.head.mediaType == "application/x-ndjson"
    var records = RecordReader(model)
    var count = 0
    try call.request.body.withUnsafeBufferPointer { bytes in
      var reader = JSONReader(bytes)
      if isLines {
        while !reader.isAtEnd() {
          try records.read(&reader, prefix: "/\(count)")
          count += 1
        }
      } else {
        guard try reader.peek() == UInt8(ascii: "[") else {
          throw BodyReader.invalid([.init(field: "", rule: "type", message: "a JSON array of records is wanted")])
        }
        try reader.readArray { (reader) throws(JSONError) in
          try records.read(&reader, prefix: "/\(count)")
          count += 1
        }
        guard reader.isAtEnd() else { throw reader.failure("text follows the array") }
      }
    }
    guard count > 0 else {
      throw BodyReader.invalid([.init(field: "", rule: "minItems", message: "give at least one record")])
    }
    guard records.errors.isEmpty else { throw invalid(records.errors) }
    let rows = model.scorer.rows(ofReadings: records.rows)
    let scores = try model.scorer.predict(rows)
    return try answer(scores, rows, count, model, isLines: isLines, explains: call.query["shap"] == "true")
  }

  private static func answer(
    _ scores: [Float], _ rows: [Float], _ count: Int, _ model: ServedModel, isLines: Bool, explains: Bool
  ) throws -> ServerResponse {
    let outputs = scores.count / count
    let width = model.scorer.model.width
    var writer = JSONWriter()
    if !isLines {
      writer.beginObject()
      writer.member("model", model.card.name)
      writer.member("model_version", model.card.version)
      writer.member("count", Int64(count))
      writer.key("results")
      writer.beginArray()
    }
    for row in 0..<count {
      writer.beginObject()
      let output = writeScore(scores[row * outputs..<(row + 1) * outputs], model, to: &writer)
      if explains {
        let values = try model.scorer.model.contributions(Array(rows[row * width..<(row + 1) * width]), output: output)
        writeReasons(values[...], model, to: &writer)
      }
      writer.endObject()
      if isLines { writer.newline() }
    }
    guard !isLines else { return ServerResponse(200, "application/x-ndjson", writer.bytes) }
    writer.endArray()
    writer.endObject()
    return .json(writer.bytes)
  }
}
