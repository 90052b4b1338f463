import DuckDB
import Pipelines
import Testing

@testable import Streaming

/// What a sample says about a record's fields, and the pipeline that is written from it.
@Suite struct InferenceTests {
  private static func sampler(fromText: Bool = false, _ records: [String]) -> RecordSampler {
    var sampler = RecordSampler(fromText: fromText)
    for record in records { sampler.add(record) }
    return sampler
  }

  private static func types(_ sampler: RecordSampler) -> [String: String] {
    Dictionary(
      sampler.fields().map { ($0.field.name, $0.field.type.rawValue + ($0.field.isRequired ? "!" : "")) },
      uniquingKeysWith: { one, _ in one })
  }

  @Test("types of JSON values; what is always there is required")
  func json() {
    let sampler = Self.sampler([
      #"{"patientId":"17","time":"2026-01-05T08:00:00Z","pulse":71,"temp":37,"big":1,"on":true,"day":"2026-01-05"}"#,
      #"{"patientId":"18","time":"2026-01-05T08:00:01.5+01:00","pulse":72,"temp":36.9,"big":9000000000,"on":false,"n":null}"#,
      "no json",
    ])
    #expect(
      Self.types(sampler) == [
        "patient_id": "string!", "time": "timestamp!", "pulse": "int!", "temp": "double!", "big": "bigint!",
        "on": "boolean!", "day": "date", "n": "string",
      ])
    #expect(sampler.records == 2 && sampler.others == 1)
  }

  @Test("in CSV everything is text: numbers are found, codes stay text")
  func text() {
    let sampler = Self.sampler(
      fromText: true,
      [
        #"{"mrn":"17","ward":"007","pulse":"71","spo2":"97.5","icu":"TRUE","at":"2026-01-05T08:00"}"#,
        #"{"mrn":"18","ward":"012","pulse":"72","spo2":"98","icu":"false","at":"2026-01-05T08:01"}"#,
      ])
    #expect(
      Self.types(sampler) == [
        "mrn": "string!", "ward": "string!", "pulse": "int!", "spo2": "double!", "icu": "boolean!", "at": "timestamp!",
      ])
  }

  @Test("mixed, nested and odd keys")
  func odd() throws {
    let sampler = Self.sampler([
      #"{"a b":1,"A_b":"x","1st":2,"deep":{"x":1},"mixed":1,"select":1,"partition":3,"ü":1}"#,
      #"{"a b":2,"A_b":"y","1st":2,"deep":{"x":1},"mixed":2,"select":1,"partition":3,"ü":1}"#,
      #"{"a b":3,"A_b":"z","1st":2,"deep":{"x":1},"mixed":"text","select":1,"partition":3,"ü":1}"#,
    ])
    #expect(sampler.nested() == ["deep"])
    let starter = try StarterPipeline(
      name: "odd", input: .landing(path: "landing/odd"), sample: sampler, reserved: ["select", "partition"])
    let yaml = starter.files[0].text
    #expect(yaml.contains("name: a_b, field: \"a b\", type: int"))
    #expect(yaml.contains("name: a_b_2, field: A_b, type: string"))
    #expect(yaml.contains("name: field_1st, field: \"1st\""))
    #expect(yaml.contains("name: mixed, type: int }"), "a field with exceptions is not required")
    #expect(starter.files[1].text.contains("\"select\""))
    #expect(starter.remarks.contains { $0.contains("mixed: 1 of 3") })
    #expect(starter.remarks.contains { $0.contains("deduplicate") })
  }

  @Test("who and when name a record")
  func deduplication() throws {
    let records = (0..<20).map {
      "{\"patient_id\":\"p\($0 % 3)\",\"device_id\":\"d\($0 % 2)\",\"timestamp\":\"2026-01-05T08:00:\(10 + $0)Z\",\"pulse\":70}"
    }
    let starter = try StarterPipeline(
      name: "vitals_2", input: .kafka(topic: "patient-vitals"), sample: Self.sampler(records), reserved: ["timestamp"])
    #expect(
      starter.files[0].text.contains(
        "deduplicate: { keys: [patient_id, device_id, timestamp], event_time: timestamp, within: 1 day }"))
    #expect(starter.files[0].text.contains("kafka: { topic: patient-vitals }"))
    #expect(starter.remarks == [])
  }
}
