import Foundation
import Kafka
import LakewardTesting
import Testing

/// However much waits, the program holds a micro-batch of it: its peak of memory is that of a small backlog.
@Suite(.serialized) struct BacklogTests {
  /// Bytes of a record; most of them are not the pipeline's business.
  private static let recordBytes = 1_000
  /// What the peak may grow by, megabytes: Kafka's client fetches 64 MB ahead, joining files holds a row group of 32 MB more
  /// than once. The backlogs differ by 100 MB and more, and would take several times that as columns.
  private static let allowance = 200.0

  private static func record(_ number: Int) -> String {
    let time = String(
      format: "2026-03-%02dT%02d:%02d:%02dZ", 1 + number / 86_400, number / 3_600 % 24, number / 60 % 60, number % 60)
    let text =
      "{\"patient_id\":\"p\(number % 97)\",\"event_time\":\"\(time)\",\"pulse\":\(50 + number % 70),\"note\":\""
    return text + String(repeating: "x", count: recordBytes - text.utf8.count - 2) + "\"}"
  }

  /// Runs the pipeline over what is there and watches the process.
  /// - Returns: the most memory that it held, megabytes.
  private func peak(_ lake: BedsLake) throws -> Double {
    let process = try lake.start(["run", "beds", "--once"])
    var peak = 0.0
    while process.isRunning {
      let status = (try? String(contentsOfFile: "/proc/\(process.identifier)/status", encoding: .utf8)) ?? ""
      if let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
        let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Double($0) })
      {
        peak = max(peak, kilobytes / 1_000)
      }
      Thread.sleep(forTimeInterval: 0.02)
    }
    let outcome = try process.wait(seconds: 300)
    #expect(outcome.succeeded, "\(outcome.errors)")
    return peak
  }

  private func lake(_ settings: String = "") throws -> BedsLake { try BedsLake(maxRecords: 4_000, settings: settings) }

  @Test func aLandingFolder() throws {
    var peaks: [Double] = []
    for count in [8_000, 120_000] {
      let lake = try lake()
      for file in 0..<4 {
        let range = (count / 4 * file)..<(count / 4 * (file + 1))
        try lake.directory.write(
          range.map { Self.record($0) + "\n" }.joined(), to: "lake/landing/beds/records-\(file).ndjson")
      }
      peaks.append(try peak(lake))
      #expect(lake.rows("bronze_beds") == Int64(count))
    }
    #expect(peaks[1] < peaks[0] + Self.allowance, "8 MB of records: \(peaks[0]) MB, 120 MB: \(peaks[1]) MB")
  }

  @Test func aTopic() throws {
    var peaks: [Double] = []
    let partitions = 27
    // The mock brokers keep 5 MiB per partition, and give whole batches of the producer.
    for count in [8_000, 108_000] {
      let cluster = try MockCluster()
      try cluster.createTopic("beds", partitions: partitions)
      let producer = try KafkaProducer(
        KafkaConfiguration(brokers: cluster.brokers, properties: ["batch.size": "65536"]))
      for number in 0..<count {
        try producer.send(Array(Self.record(number).utf8), to: "beds", partition: Int32(number % partitions))
      }
      try producer.flush(timeout: .seconds(120))
      let lake = try lake(
        """
        kafka:
          brokers: \(cluster.brokers)
          properties: { queued.max.messages.kbytes: "8192", fetch.message.max.bytes: "262144" }

        """)
      peaks.append(try peak(lake))
      #expect(lake.rows("bronze_beds") == Int64(count))
    }
    #expect(peaks[1] < peaks[0] + Self.allowance, "8 MB of records: \(peaks[0]) MB, 108 MB: \(peaks[1]) MB")
  }
}
