import Foundation
import LakewardTesting
import Testing

/// The rooms of the house and the arrows between them, as ARCHITECTURE.md draws them.
@Suite("The house")
struct HouseTests {
  /// What each room may lean on. A new arrow is a decision: it is drawn here and in ARCHITECTURE.md, or not at all.
  private static let arrows: [String: Set<String>] = [
    "DuckDB": ["CDuckDB"],
    "Kafka": ["CRDKafka"],
    "MQTT": ["CMosquitto"],
    "JSON": [],
    "HTTP": ["CMicroHTTPD", "CCurl", "JSON"],
    "DeltaLake": ["DuckDB", "HTTP", "JSON"],
    "Clinical": [],
    "Simulation": ["Clinical"],
    "Models": ["CXGBoost", "CLearning", "DuckDB"],
    "Pipelines": ["CYAML"],
    "Dashboards": ["Pipelines"],
    "Lineage": ["JSON", "Pipelines"],
    "Schedule": ["DeltaLake", "DuckDB", "Pipelines", "Streaming"],
    "SparkExport": ["Pipelines"],
    "OpenLineage": ["HTTP", "JSON", "Lineage", "Pipelines"],
    "HL7": ["JSON"],
    "Intake": ["Clinical", "DeltaLake", "DuckDB", "HL7", "JSON", "Streaming"],
    "Deidentification": ["DeltaLake", "DuckDB", "Pipelines"],
    "Observability": [],
    "Streaming": [
      "CZlib", "Lineage", "Pipelines", "DeltaLake", "DuckDB", "HL7", "JSON", "Kafka", "MQTT", "Models", "Observability",
    ],
    "SparkConnect": ["CADBC", "DeltaLake", "DuckDB", "Streaming"],
    "MLflow": ["HTTP", "JSON", "Models"],
    "OpenSSL": ["COpenSSL"],
    "BigQuery": ["DeltaLake", "DuckDB", "HTTP", "JSON", "OpenSSL"],
    "PostgresWire": [],
    "Alerts": ["Streaming", "Pipelines", "DeltaLake", "DuckDB", "HTTP", "JSON", "Observability"],
    "Connectors": ["HTTP", "JSON", "DeltaLake", "DuckDB", "Pipelines"],
    "Server": [
      "Alerts", "Dashboards", "DeltaLake", "DuckDB", "HTTP", "JSON", "Lineage", "Models", "Observability", "OpenSSL",
      "Pipelines", "PostgresWire", "Query", "Streaming",
    ],
    "Query": ["DeltaLake", "DuckDB", "Models", "Streaming"],
  ]

  /// The one room that may import a C library.
  private static let adapters = [
    "CDuckDB": "DuckDB", "CRDKafka": "Kafka", "CXGBoost": "Models", "CLearning": "Models", "CYAML": "Pipelines",
    "CMicroHTTPD": "HTTP",
    "CCurl": "HTTP", "CMosquitto": "MQTT", "CZlib": "Streaming", "COpenSSL": "OpenSSL",
    "CADBC": "SparkConnect",
  ]

  /// Rooms that decide and never do: no C beyond their parser, no SQL engine, no network.
  private static let pure: Set<String> = [
    "Clinical", "Dashboards", "HL7", "JSON", "Lineage", "Pipelines", "PostgresWire", "Simulation", "SparkExport",
  ]

  @Test("Package.swift draws only the arrows that the architecture allows")
  func packageArrows() throws {
    let rooms = try Self.declaredRooms()
    #expect(rooms.count >= 9)
    for (room, dependencies) in rooms {
      let allowed = try #require(Self.arrows[room], "\(room) is in Package.swift but not in the house; draw it here")
      let extra = dependencies.subtracting(allowed)
      #expect(extra.isEmpty, "\(room) must not depend on \(extra.sorted())")
    }
  }

  @Test("A room imports what Package.swift says, and C only in its one adapter")
  func imports() throws {
    let rooms = try Self.declaredRooms()
    let own = Set(rooms.keys).union(Self.adapters.keys)
    for file in SourceFile.sources {
      guard let room = file.room else { continue }
      for name in file.imports where own.contains(name) && name != room {
        if let adapter = Self.adapters[name] {
          #expect(adapter == room, "\(file.path) imports \(name), which only \(adapter) may")
        }
        if let declared = rooms[room] {
          #expect(declared.contains(name), "\(file.path) imports \(name), which Package.swift does not give it")
        }
      }
    }
  }

  @Test("Pure rooms touch no engine and no network")
  func pureRooms() {
    let banned: Set<String> = ["DuckDB", "DeltaLake", "Kafka", "FoundationNetworking"]
    for file in SourceFile.sources where Self.pure.contains(file.room ?? "") {
      for name in file.imports {
        #expect(!banned.contains(name), "\(file.path) imports \(name); \(file.room ?? "") is pure")
        if name.hasPrefix("C"), let adapter = Self.adapters[name] {
          #expect(adapter == file.room, "\(file.path) imports \(name)")
        }
      }
    }
  }

  @Test("C libraries stay behind their adapter: nobody re-exports them")
  func cIsInternal() {
    for file in SourceFile.sources {
      for (number, line) in file.code.enumerated() {
        for name in Self.adapters.keys where line.contains("import " + name) {
          #expect(!line.contains("public import"), "\(file.path):\(number + 1): \(name) leaks into a public interface")
        }
      }
    }
  }

  /// The `room("NAME", [DEPENDENCIES])` lines of Package.swift.
  private static func declaredRooms() throws -> [String: Set<String>] {
    let text = try String(contentsOfFile: Places.packageRoot() + "/Package.swift", encoding: .utf8)
      .replacing(/room\(\s+"/, with: "room(\"")
    var rooms: [String: Set<String>] = [:]
    for piece in text.components(separatedBy: "room(\"").dropFirst() {
      let parts = piece.split(separator: "\"", maxSplits: 1).map(String.init)
      guard let name = parts.first, let rest = parts.last, let end = rest.firstIndex(where: { $0 == ")" || $0 == "]" })
      else { continue }
      let names = rest[..<end].split(separator: "\"").map(String.init).filter {
        $0.allSatisfy { $0.isLetter || $0.isNumber }
      }
      rooms[name] = Set(names)
    }
    return rooms
  }
}
