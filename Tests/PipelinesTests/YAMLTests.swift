import Pipelines
import Testing

@Suite struct YAMLTests {
  private func problem(_ text: String) -> String? {
    do throws(DefinitionError) {
      _ = try YAML.parse(text, file: "f.yml")
      return nil
    } catch {
      return error.problems.first?.message
    }
  }

  @Test func nodesKnowTheirPlaces() throws {
    let root = try #require(try YAML.parse("a: 1\nb:\n  - 'x y'\n  - {c: ü, d: null}\n", file: "f.yml"))
    guard case .mapping(let entries) = root.content, case .sequence(let items) = entries[1].value.content,
      case .mapping(let inner) = items[1].content
    else {
      Issue.record("unexpected shape")
      return
    }
    #expect(entries.map(\.key) == ["a", "b"])
    #expect(entries[0].value.content == .scalar("1", isPlain: true))
    #expect(items[0].content == .scalar("x y", isPlain: false))
    #expect(items[0].location == SourceLocation(file: "f.yml", line: 3, column: 5))
    #expect(inner[1].location == SourceLocation(file: "f.yml", line: 4, column: 12))
    #expect(inner[1].value.isNull && !inner[0].value.isNull)
  }

  @Test func anchorsAreWrittenOut() throws {
    let root = try YAML.parse("a: &x {k: [1, 2]}\nb: *x\n", file: "f.yml")
    guard case .mapping(let entries)? = root?.content else {
      Issue.record("no mapping")
      return
    }
    #expect(entries[0].value.content == entries[1].value.content)
    #expect(entries[1].value.location.line == 2)
  }

  @Test func badTextIsRefused() {
    #expect(problem("a: *nowhere\n") == "no anchor &nowhere stands before this alias")
    #expect(problem("a: &x [*x]\n") == "no anchor &x stands before this alias")
    #expect(problem("a: 1\nb: 2\na: 3\n") == "the key 'a' is already on line 1")
    #expect(problem("[a, b]: 1\n") == "a key is a list")
    #expect(problem(String(repeating: "[", count: 80)) == "values are nested more than 64 deep")
    #expect(problem("a: \u{1}\n")?.contains("control characters are not allowed") == true)
    #expect(problem("a: 'b\n") != nil)
  }

  @Test func aliasesCannotExplode() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      text += "a\(level): &a\(level) [\((0..<10).map { _ in "*a\(level - 1)" }.joined(separator: ", "))]\n"
    }
    #expect(problem(text)?.hasPrefix("the document holds more than") == true)
  }

  @Test func nothingIsNothing() throws {
    #expect(try YAML.parse("", file: "f.yml") == nil)
    #expect(try YAML.parse("# only words\n", file: "f.yml") == nil)
  }

  /// Any cut of a sound file gives a tree or a problem, never a trap.
  @Test func everyPrefixIsAnswered() {
    let text = "a: &x [1, 'two', \"thr\\u0065e\"]\nb: {c: *x, d: |\n  text\n  more}\n"
    for length in 0...text.count { _ = problem(String(text.prefix(length))) }
  }
}

@Suite struct LakeConfigurationTests {
  @Test func defaultsNeedNoFile() throws {
    let configuration = try LakeConfiguration(yaml: "", file: "lakeward.yml")
    #expect(configuration == LakeConfiguration())
    #expect(configuration.lake == "lake" && configuration.models == "lake/models")
    #expect(configuration.pipelines == "pipelines" && configuration.brokers == nil)
  }

  @Test func readsEverything() throws {
    let text = """
      lake: data/lake
      pipelines: /etc/pipelines
      kafka: { brokers: "k1:9092,k2:9092", properties: { security.protocol: ssl } }
      engine: { threads: 2, memory_limit: 1 GiB }
      """
    let configuration = try LakeConfiguration(yaml: text, file: "conf/lakeward.yml", folder: "conf")
    #expect(configuration.lake == "conf/data/lake")
    #expect(configuration.models == "conf/data/lake/models")
    #expect(configuration.pipelines == "/etc/pipelines")
    #expect(configuration.brokers == "k1:9092,k2:9092")
    #expect(configuration.kafkaProperties == ["security.protocol": "ssl"])
    #expect(configuration.threads == 2)
    #expect(configuration.memoryLimitBytes == 1 << 30)
  }

  @Test func problemsNameTheirPlace() {
    do throws(DefinitionError) {
      _ = try LakeConfiguration(yaml: "lak: x\nkafka: {}\nengine: { threads: 0 }\n", file: "lakeward.yml")
      Issue.record("should not be read")
    } catch {
      #expect(
        error.description == """
          lakeward.yml:1:1: the configuration has no key 'lak'; did you mean 'lake'?
          lakeward.yml:2:8: kafka has no 'brokers'; add 'brokers: …'
          lakeward.yml:3:20: threads is not a whole number from 1 to 1024; write such a number
          """)
    }
  }

  @Test func aNamedFileMustExist() {
    #expect(throws: DefinitionError.self) { try LakeConfiguration.load(file: "/nowhere/lakeward.yml") }
  }
}
