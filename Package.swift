// swift-tools-version: 6.2
import PackageDescription

// Libraries that no Debian package carries (DuckDB, XGBoost) are fetched into `.deps` by `scripts/setup`.
let deps = Context.packageDirectory + "/.deps"
// The program that `scripts/dist` packs finds its libraries beside itself, and names no folder of the machine it was built on.
let isPacked = Context.environment["LAKEWARD_DIST"] != nil
// Old-style RPATH, because it also serves the libraries that these libraries load.
let rpaths =
  ["-Xlinker", "--disable-new-dtags"]
  + (isPacked ? ["$ORIGIN/../lib"] : ["$ORIGIN/lib", deps + "/lib"]).flatMap { ["-Xlinker", "-rpath", "-Xlinker", $0] }
// Named by path: `-L` would let a system's library of the same name win (pkg-config's `-L` comes first, and Debian's
// headers for XGBoost bring an old library along).
func fetched(_ library: String) -> [LinkerSetting] {
  [.unsafeFlags(["-Xlinker", "\(deps)/lib/lib\(library).so"] + rpaths)]
}

let swift: [SwiftSetting] = [
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("ExistentialAny"),
]

func room(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
  .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: swift)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies + ["LakewardTesting"], swiftSettings: swift)
}

// LAKEWARD_TESTS=ModelsTests,Tidy builds those tests alone: quicker while one room is being worked on.
let wantedTests = Context.environment["LAKEWARD_TESTS"].map { Set($0.split(separator: ",").map(String.init)) }

// `make fuzz` builds with libFuzzer.
let libFuzzer: [SwiftSetting] = Context.environment["LAKEWARD_LIBFUZZER"] == nil ? [] : [.define("LIBFUZZER")]

let package = Package(
  name: "lakeward",
  products: [.executable(name: "lakeward", targets: ["lakeward"])],
  targets: [
    // C boundaries: module maps and shims only.
    .target(
      name: "CDuckDB",
      cSettings: [.unsafeFlags(["-O2"])],
      linkerSettings: fetched("duckdb")),
    .target(
      name: "CXGBoost",
      cSettings: [.unsafeFlags(["-O2"])],
      linkerSettings: fetched("xgboost")),
    .target(
      name: "CLearning",
      cSettings: [.unsafeFlags(["-O3"])]),
    .systemLibrary(name: "CRDKafka", pkgConfig: "rdkafka"),
    .systemLibrary(name: "CMosquitto", pkgConfig: "libmosquitto"),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1"),
    // Layouts alone: the driver is opened while the program runs.
    .systemLibrary(name: "CADBC"),
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl"),
    .systemLibrary(name: "CMicroHTTPD", pkgConfig: "libmicrohttpd"),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl"),

    room("DuckDB", ["CDuckDB"]),
    room("Kafka", ["CRDKafka"]),
    room("MQTT", ["CMosquitto"]),
    room("JSON"),
    room("HTTP", ["CCurl", "CMicroHTTPD", "JSON"]),
    room("DeltaLake", ["DuckDB", "HTTP", "JSON"]),
    room("Clinical"),
    room("Observability"),
    room("Simulation", ["Clinical"]),
    room("Models", ["CXGBoost", "CLearning", "DuckDB"]),
    room("Pipelines", ["CYAML"]),
    room("Dashboards", ["Pipelines"]),
    room("Lineage", ["JSON", "Pipelines"]),
    room("SparkExport", ["Pipelines"]),
    room("OpenLineage", ["HTTP", "JSON", "Lineage", "Pipelines"]),
    room("HL7", ["JSON"]),
    room("Intake", ["Clinical", "DeltaLake", "DuckDB", "HL7", "JSON", "Streaming"]),
    room("Deidentification", ["DeltaLake", "DuckDB", "Pipelines"]),
    room(
      "Streaming",
      [
        "CZlib", "Lineage", "Pipelines", "DeltaLake", "DuckDB", "HL7", "JSON", "Kafka", "MQTT", "Models",
        "Observability",
      ]),
    room("Schedule", ["DeltaLake", "DuckDB", "Pipelines", "Streaming"]),
    room("SparkConnect", ["CADBC", "DeltaLake", "DuckDB", "Streaming"]),
    room("MLflow", ["HTTP", "JSON", "Models"]),
    room("Alerts", ["Streaming", "Pipelines", "DeltaLake", "DuckDB", "HTTP", "JSON", "Observability"]),
    room("OpenSSL", ["COpenSSL"]),
    room("PostgresWire"),
    room("BigQuery", ["DeltaLake", "DuckDB", "HTTP", "JSON", "OpenSSL"]),
    room("Query", ["DeltaLake", "DuckDB", "Models", "Streaming"]),
    room(
      "Server",
      [
        "Alerts", "Dashboards", "DeltaLake", "DuckDB", "HTTP", "JSON", "Lineage", "Models", "Observability", "OpenSSL",
        "Pipelines", "PostgresWire", "Query", "Streaming",
      ], resources: [.copy("Resources")]),
    .executableTarget(
      name: "lakeward",
      dependencies: [
        "Alerts", "BigQuery", "Clinical", "Deidentification", "DeltaLake", "DuckDB", "Intake", "JSON", "Kafka",
        "Lineage", "MLflow",
        "Models", "Observability", "OpenLineage", "Pipelines", "Query", "Schedule", "Server", "Simulation",
        "SparkConnect", "SparkExport", "Streaming",
      ],
      swiftSettings: swift),

    // What bench/delta measures beside delta-rs.
    .executableTarget(
      name: "delta-bench", dependencies: ["DeltaLake", "DuckDB"], path: "bench/delta-bench", swiftSettings: swift),

    // What bench/latency measures: producer, broker and pipeline in one process.
    .executableTarget(
      name: "latency-bench",
      dependencies: ["Alerts", "DeltaLake", "DuckDB", "Kafka", "Models", "Pipelines", "Simulation", "Streaming"],
      path: "bench/latency-bench", swiftSettings: swift),

    // What bench/models measures beside scikit-learn.
    .executableTarget(
      name: "models-bench",
      dependencies: ["DeltaLake", "DuckDB", "Models", "Pipelines", "Simulation", "Streaming"],
      path: "bench/models-bench", swiftSettings: swift),

    // What a test needs from many rooms: temporary folders, a test clock, peers, contract suites.
    .target(
      name: "LakewardTesting", path: "Tests/LakewardTesting", exclude: ["peers"], swiftSettings: swift),
    tests("DuckDBTests", ["DuckDB"]),
    tests("KafkaTests", ["Kafka"]),
    tests("MQTTTests", ["MQTT"]),
    tests("DeltaLakeTests", ["DeltaLake", "DuckDB", "HTTP", "JSON", "delta-writer"]),
    // Run many times at once by DeltaLakeTests.
    .executableTarget(
      name: "delta-writer", dependencies: ["DeltaLake", "DuckDB"], path: "Tests/DeltaWriterProcess",
      swiftSettings: swift),
    tests("Conformance", ["DeltaLake", "DuckDB", "JSON"]),
    tests("HTTPTests", ["HTTP"]),
    tests(
      "ServerTests",
      [
        "Alerts", "Server", "Query", "HTTP", "JSON", "DeltaLake", "DuckDB", "Models", "Observability", "Pipelines",
        "Streaming",
      ]),
    tests("PostgresWireTests", ["PostgresWire"]),
    tests("BigQueryTests", ["BigQuery", "DeltaLake", "DuckDB", "HTTP", "JSON"]),
    tests("OpenSSLTests", ["OpenSSL"]),
    tests("ClinicalTests", ["Clinical"]),
    tests("ObservabilityTests", ["Observability"]),
    tests(
      "AlertsTests",
      ["Alerts", "Streaming", "Pipelines", "DeltaLake", "DuckDB", "HTTP", "JSON", "Observability", "Simulation"]),
    tests("SimulationTests", ["Simulation", "Clinical"]),
    tests("ModelsTests", ["Models", "DuckDB"]),
    tests("MLflowTests", ["MLflow", "Models"]),
    tests("PipelinesTests", ["Pipelines", "Clinical", "DuckDB"]),
    tests("SparkExportTests", ["SparkExport", "Pipelines"]),
    tests("ScheduleTests", ["Schedule", "Pipelines", "Streaming", "DeltaLake", "DuckDB"]),
    tests("OpenLineageTests", ["OpenLineage", "HTTP", "JSON", "Lineage", "Pipelines", "DuckDB"]),
    tests("LineageTests", ["Lineage", "Pipelines", "DuckDB"]),
    tests("DashboardsTests", ["Dashboards", "Pipelines"]),
    tests("HL7Tests", ["HL7", "JSON"]),
    tests("IntakeTests", ["Intake", "DeltaLake", "DuckDB", "HL7"]),
    tests("DeidentificationTests", ["Deidentification", "DeltaLake", "DuckDB", "Pipelines"]),
    tests(
      "StreamingTests",
      ["Streaming", "Pipelines", "DeltaLake", "DuckDB", "Kafka", "Models", "Observability", "Simulation"]),
    // Broken inputs for every reader of a format; run by FuzzTests, and by `make fuzz`.
    .executableTarget(
      name: "fuzzer",
      dependencies: [
        "Alerts", "Dashboards", "DeltaLake", "DuckDB", "HL7", "HTTP", "Intake", "JSON", "Pipelines", "PostgresWire",
        "Simulation", "Streaming",
      ],
      path: "Tests/Fuzzer", swiftSettings: swift + libFuzzer),
    tests("FuzzTests", ["fuzzer"]),
    tests(
      "EndToEnd", ["DuckDB", "DeltaLake", "HTTP", "JSON", "Kafka", "MQTT", "Simulation", "lakeward", "delta-writer"]),
    tests("Tidy", []),
  ].filter { $0.type != .test || wantedTests?.contains($0.name) ?? true },
  swiftLanguageModes: [.v6]
)
