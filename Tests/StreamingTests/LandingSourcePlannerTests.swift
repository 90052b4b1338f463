import Testing

@testable import Streaming

/// Files as byte strings; `x` is any byte, `/` a line end.
private struct TextFiles: LineEnds {
  var text: [String: String]

  func last(in path: String, _ range: Range<Int64>) throws -> Int64? {
    guard let bytes = text[path].map({ Array($0.utf8) }) else { throw Gone() }
    return range.last { bytes[Int($0)] == UInt8(ascii: "/") }.map { $0 + 1 }
  }

  func first(in path: String, _ range: Range<Int64>, from: Int64) throws -> Int64? {
    guard let bytes = text[path].map({ Array($0.utf8) }) else { throw Gone() }
    return (from..<range.upperBound).first { bytes[Int($0)] == UInt8(ascii: "/") }.map { $0 + 1 }
  }

  struct Gone: Error {}
}

@Suite("Landing directory: which bytes become splits")
struct LandingSourcePlannerTests {
  /// One planner with the files it sees; times in seconds.
  private struct Scene {
    var planner: SplitPlanner
    var files: [String: (text: String, modified: Int64)] = [:]

    init(splitBytes: Int64 = 10, longestLineBytes: Int64 = 20, splitsPerPlan: Int = 100, settle: Duration = .seconds(5))
    {
      var rules = SplitPlanner.Rules()
      rules.splitBytes = splitBytes
      rules.longestLineBytes = longestLineBytes
      rules.splitsPerPlan = splitsPerPlan
      rules.settle = settle
      planner = SplitPlanner(rules: rules)
    }

    mutating func plan(at now: Int64) -> SplitPlanner.Plan {
      let listing = files.map {
        LandingFile(path: $0, size: Int64($1.text.utf8.count), modified: $1.modified * 1_000_000)
      }
      let plan = planner.plan(listing.reversed(), now: now * 1_000_000, TextFiles(text: files.mapValues(\.text)))
      planner.register(plan.splits)
      return plan
    }

    mutating func spans(at now: Int64) -> [String] {
      plan(at: now).splits.map { "\($0.sequence):\($0.path)[\($0.from),\($0.to))" }
    }
  }

  @Test(
    "one file, cut at line ends",
    arguments: [
      ("", []),
      ("xx/", ["0:a[0,3)"]),
      ("xx/xx/", ["0:a[0,6)"]),
      ("xxxx/xxxx/xxxx/", ["0:a[0,10)", "1:a[10,15)"]),
      ("xxx/xxx/xxx/xxx/", ["0:a[0,8)", "1:a[8,16)"]),
      ("xxxxxxxxxxxxx/xx/", ["0:a[0,14)", "1:a[14,17)"]),
      ("//////////////", ["0:a[0,10)", "1:a[10,14)"]),
    ] as [(String, [String])])
  func cutting(text: String, expected: [String]) {
    var scene = Scene()
    scene.files = ["a": (text, 100)]
    #expect(scene.spans(at: 100) == expected)
    #expect(scene.spans(at: 101) == [], "nothing is registered twice")
  }

  @Test("a line longer than memory allows is cut without waiting for its end")
  func endlessLine() {
    var scene = Scene()
    scene.files = ["a": (String(repeating: "x", count: 45), 100)]
    #expect(scene.spans(at: 100) == ["0:a[0,20)", "1:a[20,40)"])
    #expect(scene.plan(at: 101).unfinished == ["a"])
  }

  @Test("an unfinished last line waits until it is finished")
  func growing() {
    var scene = Scene()
    scene.files = ["a": ("xx/x", 100)]
    #expect(scene.spans(at: 100) == ["0:a[0,3)"])
    scene.files = ["a": ("xx/xxx", 104)]
    let plan = scene.plan(at: 104)
    #expect(plan.splits.isEmpty && plan.unfinished == ["a"])
    scene.files = ["a": ("xx/xxxx/x", 108)]
    #expect(scene.spans(at: 108) == ["1:a[3,8)"])
  }

  @Test("an unfinished last line counts as finished when the file rests")
  func settling() {
    var scene = Scene()
    scene.files = ["a": ("xx/x", 100)]
    #expect(scene.spans(at: 104) == ["0:a[0,3)"])
    #expect(scene.plan(at: 104).unfinished == ["a"])
    #expect(scene.spans(at: 105) == ["1:a[3,4)"])
    #expect(scene.spans(at: 106) == [])
  }

  @Test("a file from the future settles by being watched")
  func futureFile() {
    var scene = Scene()
    scene.files = ["a": ("x", 999)]
    #expect(scene.spans(at: 100) == [])
    #expect(scene.spans(at: 104) == [])
    #expect(scene.spans(at: 105) == ["0:a[0,1)"])
  }

  @Test("order is by time of change, then path; numbers go on without gaps")
  func order() {
    var scene = Scene()
    scene.files = ["b": ("x/", 10), "a": ("x/", 20), "c/d": ("x/", 10)]
    #expect(scene.spans(at: 30) == ["0:b[0,2)", "1:c/d[0,2)", "2:a[0,2)"])
    scene.files["b"] = ("x/y/", 30)
    scene.files["0"] = ("x/", 31)
    #expect(scene.spans(at: 32) == ["3:b[2,4)", "4:0[0,2)"])
  }

  @Test("a file that shrank holds something new: it is read from its beginning")
  func shrunk() {
    var scene = Scene()
    scene.files = ["a": ("xx/xx/xx/", 10)]
    #expect(scene.spans(at: 20) == ["0:a[0,9)"])
    scene.files = ["a": ("y/", 21)]
    #expect(scene.spans(at: 22) == ["1:a[0,2)"])
    scene.files = ["a": ("", 23)]
    #expect(scene.spans(at: 24) == [])
    scene.files = ["a": ("zzz/", 25)]
    #expect(scene.spans(at: 26) == ["2:a[0,4)"])
  }

  @Test("a file that went away or cannot be read stops no other")
  func unreadable() {
    var scene = Scene()
    scene.files = ["a": ("x/", 10), "b": ("y/", 11)]
    let listing = ["a", "b"].map { LandingFile(path: $0, size: 2, modified: 10_000_000) }
    let plan = scene.planner.plan(listing, now: 20_000_000, TextFiles(text: ["b": "y/"]))
    #expect(plan.unreadable == ["a"])
    #expect(plan.splits.map(\.path) == ["b"])
    #expect(plan.splits.map(\.sequence) == [0])
  }

  @Test("a planner that is told the registered splits goes on as if it had made them")
  func resumed() {
    var scene = Scene()
    scene.files = ["a": ("xxxx/xxxx/xxxx/", 10), "b": ("x/", 11)]
    let plan = scene.plan(at: 20)
    var resumed = Scene()
    resumed.planner.register(plan.splits)
    scene.files["a"] = ("xxxx/xxxx/xxxx/x/", 21)
    resumed.files = scene.files
    #expect(scene.spans(at: 22) == resumed.spans(at: 22))
  }

  @Test("very many files are planned in portions, each byte once")
  func portions() {
    var scene = Scene(splitsPerPlan: 7)
    for i in 0..<20 { scene.files["f\(i)"] = ("x/", Int64(i)) }
    var seen: [LandingSplit] = []
    var isComplete = false
    while !isComplete {
      let plan = scene.plan(at: 100)
      isComplete = plan.isComplete
      seen += plan.splits
    }
    #expect(seen.map(\.sequence) == Array(0..<20))
    #expect(Set(seen.map(\.path)).count == 20)
  }

  @Test("splits of random files, however they grow, cover every byte once and cut only at line ends", arguments: 1...50)
  func coverage(seed: UInt64) {
    var random = Random(state: seed)
    var scene = Scene(splitBytes: 16, longestLineBytes: 1000, settle: .seconds(50))
    var texts = ["a": "", "b": ""]
    var splits: [LandingSplit] = []
    for now in Int64(0)..<20 {
      for path in ["a", "b"] where Bool.random(using: &random) {
        let added = (0..<Int.random(in: 0...30, using: &random)).map { _ in
          Int.random(in: 0..<6, using: &random) == 0 ? "/" : "x"
        }
        texts[path, default: ""] += added.joined()
        scene.files[path] = (texts[path] ?? "", now)
      }
      splits += scene.plan(at: now).splits
    }
    splits += scene.plan(at: 100).splits
    #expect(splits.map(\.sequence) == (0..<splits.count).map(Int64.init))
    for (path, text) in texts {
      let bytes = Array(text.utf8)
      let own = splits.filter { $0.path == path }
      #expect(own.map(\.byteCount).reduce(0, +) == Int64(bytes.count))
      for (one, next) in zip(own, own.dropFirst()) { #expect(one.to == next.from) }
      for split in own.dropLast() { #expect(bytes[Int(split.to) - 1] == UInt8(ascii: "/")) }
    }
  }

  /// Knuth's multiplicative generator, so that a failing seed fails again.
  private struct Random: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ (state >> 33)
    }
  }
}
