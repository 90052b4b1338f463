internal import HTTP
internal import JSON
internal import Models

/// The model registry.
enum ModelRoutes {
  private static let group = "Models"

  static func endpoints(_ context: ServerContext) -> [Endpoint] {
    let registry = context.surroundings.registry
    let version = Schema.object(
      [
        "name": .text(), "version": .text(), "live": .boolean, "algorithm": .text(), "created_at": .text(),
        "threshold": .number().orNull, "measures": .map(of: .number().orNull),
      ], required: ["name", "version", "live", "algorithm"])
    let detail = Schema.object(
      [
        "name": .text(), "live_version": .text().orNull, "versions": .list(of: version),
        "features": .list(
          of: .object(
            ["name": .text(), "unit": .text(), "minimum": .number(), "maximum": .number(), "description": .text()],
            required: ["name"])), "classes": .list(of: .text()), "importance": .map(of: .number()), "card": .any,
      ], required: ["name", "versions", "features"])
    return [
      Endpoint(
        .get, "/models", group: group, "Every version of every model", needs: .catalog,
        answers: [.init(200, "Versions", .object(["models": .list(of: version)], required: ["models"]))]
      ) { _ in
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("models")
        writer.beginArray()
        for entry in try registry.list() { write(entry, to: &writer) }
        writer.endArray()
        writer.endObject()
        return .json(writer.bytes)
      },
      Endpoint(
        .get, "/models/{name}", group: group, "A model: its versions, its features with their limits, its card",
        needs: .catalog, answers: [.init(200, "The model", detail)]
      ) { call in try show(call.path["name"] ?? "", context) }
      .with { $0.parameters = [.init("name", .text(longest: 64), "The model")] },
    ]
  }

  private static func write(_ entry: ModelRegistry.Entry, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("name", entry.card.name)
    writer.member("version", entry.card.version)
    writer.member("live", entry.isLive)
    writer.member("algorithm", entry.card.algorithm.rawValue)
    writer.member("created_at", entry.card.createdAt)
    writer.key("threshold")
    if let threshold = entry.card.threshold { writer.write(threshold) } else { writer.writeNull() }
    writer.key("measures")
    writer.beginObject()
    for measure in entry.card.heldOutMeasures {
      writer.key(measure.name)
      if let value = measure.value { writer.write(value) } else { writer.writeNull() }
    }
    writer.endObject()
    writer.endObject()
  }

  private static func show(_ name: String, _ context: ServerContext) throws -> ServerResponse {
    let registry = context.surroundings.registry
    guard try registry.names().contains(name) else {
      throw Problem.notFound("there is no model of that name; /models lists them")
    }
    let versions = try registry.versions(of: name)
    let shown = versions.last { $0.isLive } ?? versions.last
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("name", name)
    writer.key("live_version")
    if let live = versions.first(where: \.isLive) { writer.write(live.card.version) } else { writer.writeNull() }
    writer.key("features")
    writer.beginArray()
    for feature in context.models.features(shown?.card.features ?? [], of: name) {
      writer.beginObject()
      writer.member("name", feature.name)
      writer.member("unit", feature.unit)
      writer.member("description", feature.summary)
      for (key, value) in [("minimum", feature.minimum), ("maximum", feature.maximum)] {
        guard let value else { continue }
        writer.key(key)
        writer.write(value)
      }
      writer.endObject()
    }
    writer.endArray()
    writer.member("classes", shown?.card.classes)
    if let card = shown?.card {
      writer.key("importance")
      writer.beginObject()
      for (feature, share) in card.importance.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
        writer.key(feature)
        writer.write(share)
      }
      writer.endObject()
      if let json = try? card.json() {
        writer.key("card")
        // Written as lines for people; between members line ends mean nothing.
        writer.raw(String(decoding: json, as: UTF8.self))
      }
    }
    writer.key("versions")
    writer.beginArray()
    for version in versions { write(version, to: &writer) }
    writer.endArray()
    writer.endObject()
    return .json(writer.bytes)
  }
}
