import LakewardTesting
import Pipelines
import Testing

@testable import Alerts

/// `alerts.yml`: what is shipped is sound, and what is wrong is named with its line.
@Suite struct PolicyFileTests {
  @Test(arguments: ["vitals", "illness"])
  func shippedPoliciesAreSound(name: String) throws {
    let pipeline = try Pipeline.load(folder: "\(Places.packageRoot())/pipelines/\(name)")
    let policies = try PolicyFile.load(pipeline)
    #expect(policies.count >= 5)
    for policy in policies where !policy.isAboutModels {
      #expect(policy.source?.isEmpty == false, "\(policy.name) names no source")
      #expect(!policy.levels.isEmpty)
      #expect(!policy.title.contains("{patient}") && !policy.message.contains("{patient}"))
    }
  }

  @Test func aPolicyIsReadWhole() throws {
    let policies = try PolicyFile.policies(
      yaml: Readings.policies, file: "alerts.yml", pipeline: Readings.pipeline(maxRecords: 1))
    let high = try #require(policies.first)
    #expect(high.name == "high" && high.severity == .high && high.ward == "ward")
    #expect(
      high.trigger
        == .condition("value > threshold", threshold: .init(130, candidates: [100, 110, 120, 130, 140, 150])))
    #expect(high.delay == .init(seconds: 0, readings: 2))
    #expect(high.holdOffSeconds == 300)
    #expect(high.levels.map(\.notify) == [["hook"], ["pager"]])
    #expect(policies[2].trigger == .missing(seconds: 600))
  }

  @Test(arguments: [
    ("policies: { a: { on: silver_readings, severity: urgent, condition: value > 1 } }", "severity cannot be 'urgent'"),
    (
      "policies: { a: { on: silver_reading, severity: low, condition: value > 1 } }",
      "'silver_reading', which is no table"
    ),
    ("policies: { a: { on: silver_readings, severity: low } }", "neither a condition nor a time of silence"),
    ("policies: { a: { on: silver_readings, severity: low, condition: a, missing: 3 min } }", "both a condition and"),
    (
      "policies: { a: { on: silver_readings, severity: low, condition: value > 1, titel: x } }", "did you mean 'title'?"
    ),
    (
      "policies: { a: { on: silver_readings, severity: low, condition: value > 1, title: '{value}' } }",
      "title has no placeholder '{value}'"
    ),
    (
      "policies: { a: { on: silver_readings, severity: low, condition: value > 1, show: [pulse] } }",
      "needs the column 'pulse'"
    ),
    ("policies: { a: { on: silver_readings, severity: low, condition: value > 1, covers: [b] } }", "covers 'b'"),
    (
      "policies: { a: { on: silver_readings, severity: low, condition: value > 1, escalate: [{ after: 2 min, notify: [x] }] } }",
      "the first level is told at once"
    ),
    (
      "policies: { a: { on: silver_readings, severity: low, condition: SELECT 1 } }", "more than a condition on one row"
    ),
    (
      "policies: { a: { on: silver_readings, severity: low, condition: value > 1, threshold: 3 } }",
      "does not use the threshold"
    ),
    (
      "quiet_hours: [{ severities: [low], from: '22:00', to: '06:00', zone: Europe/Atlantis }]\npolicies: {}",
      "no time zone"
    ),
    ("quiet_hours: [{ severities: [low], from: '25:00', to: '06:00', zone: UTC }]\npolicies: {}", "no time of day"),
    (
      "suppress: [{ from: 2026-05-01T08:00:00Z, to: 2026-05-01T07:00:00Z, reason: x }]\npolicies: {}",
      "the span ends before it begins"
    ),
  ])
  func mistakesAreNamedWithTheirLine(yaml: String, problem: String) throws {
    let pipeline = try Readings.pipeline(maxRecords: 1)
    let error = #expect(throws: DefinitionError.self) {
      try PolicyFile.policies(yaml: yaml, file: "alerts.yml", pipeline: pipeline)
    }
    #expect(error?.description.contains(problem) == true, "\(error?.description ?? "no error")")
    #expect(error?.description.hasPrefix("alerts.yml:") == true)
  }

  @Test func notifiersAreReadAndNeverShowTheirSecrets() throws {
    let yaml = """
      notifiers:
        nurse: { type: slack, url_env: SLACK_URL }
        hook: { type: webhook, url: "https://example.org/hook", secret: do-not-show, follow_up: false, patient: false }
        pager: { type: pagerduty, routing_key_file: keys/pd }
        mail: { type: email, server: "smtp://localhost:25", tls: none, from: a@example.org, to: [b@example.org] }
        sms:
          type: sms
          url: "https://example.org/sms"
          to: ["+15550100", "+15550101"]
          body: '{"to": "{to}", "text": "{text}"}'
      alerts: { link: "https://example.org/alerts/{id}" }
      """
    let configuration = try LakeConfiguration(yaml: yaml, file: "lakeward.yml", folder: "/etc/lakeward")
    let settings = try AlertSettings(
      notifiers: configuration.notifiers, alerts: configuration.alerts, folder: configuration.folder)
    #expect(settings.notifiers.keys.sorted() == ["hook", "mail", "nurse", "pager", "sms"])
    #expect(settings.link == "https://example.org/alerts/{id}")
    #expect(settings.notifiers["hook"]?.showsPatient == false && settings.notifiers["hook"]?.followsUp == false)
    #expect(settings.notifiers["sms"]?.recipients == 2)
    #expect(!"\(settings)".contains("do-not-show"))
    #expect("\(settings)".contains("/etc/lakeward/keys/pd"))
    #expect(throws: SecretError.self) { try settings.notifiers["pager"]?.checkSecrets() }
  }

  @Test(arguments: [
    ("notifiers: { a: { type: fax } }", "type cannot be 'fax'"),
    ("notifiers: { a: { type: slack } }", "there is no 'url'"),
    ("notifiers: { a: { type: slack, url: ftp://x } }", "url is no address"),
    ("notifiers: { a: { type: slack, url: https://x, url_env: X } }", "more than one way"),
    ("notifiers: { a: { type: email, server: mail, from: a@b.c, to: [a@b.c] } }", "is no mail server"),
    ("notifiers: { a: { type: email, server: smtp://m, from: a@b.c, to: ['a@b.c> RCPT'] } }", "is not one"),
    ("notifiers: { a: { type: sms, url: https://x, to: ['1'], body: hello } }", "no place for the message"),
  ])
  func mistakesOfNotifiersAreNamed(yaml: String, problem: String) throws {
    let configuration = try LakeConfiguration(yaml: yaml, file: "lakeward.yml")
    let error = #expect(throws: DefinitionError.self) {
      try AlertSettings(notifiers: configuration.notifiers, alerts: configuration.alerts)
    }
    #expect(error?.description.contains(problem) == true, "\(error?.description ?? "no error")")
  }
}
