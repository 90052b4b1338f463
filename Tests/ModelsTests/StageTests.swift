import Foundation
import Models
import Testing

@Suite struct StageTests {
  @Test func versionsGoFromCandidateToRetired() throws {
    try withRegistry { registry in
      try registry.register(try TrainerTests.quickModel(seed: 1))
      try registry.register(try TrainerTests.quickModel(seed: 2), promote: false)
      try registry.register(try TrainerTests.quickModel(seed: 3), promote: false)
      func stages() throws -> [ModelStage] { try registry.versions(of: "illness").map(\.stage) }
      #expect(try stages() == [.live, .candidate, .candidate])
      try registry.setStage(.silent, of: "illness", version: "2", reason: "trial")
      #expect(try stages() == [.live, .silent, .candidate])
      #expect(try registry.silent("illness").card.seed == 2)
      // One silent trial at a time: the other goes back.
      try registry.setStage(.silent, of: "illness", version: "3")
      #expect(try stages() == [.live, .candidate, .silent])
      try registry.promote("illness", version: "3", reason: "better")
      #expect(try stages() == [.retired, .candidate, .live])
      #expect(try registry.silentVersion(of: "illness") == nil)
      try registry.setStage(.retired, of: "illness", version: "2")
      #expect(try stages() == [.retired, .retired, .live])
      #expect(try registry.history(of: "illness").map(\.reason).contains("better"))
    }
  }

  @Test func rollbackGoesBackOneByOne() throws {
    try withRegistry { registry in
      for seed in 1...3 { try registry.register(try TrainerTests.quickModel(seed: UInt64(seed))) }
      #expect(try registry.liveVersion(of: "illness") == "3")
      #expect(try registry.rollback("illness").card.version == "2")
      #expect(try registry.rollback("illness", reason: "worse").card.version == "1")
      let error = #expect(throws: ModelError.self) { try registry.rollback("illness") }
      #expect(error?.code == .notFound)
      #expect(try registry.versions(of: "illness").map(\.stage) == [.live, .retired, .retired])
      // Forward again, then back to where it came from.
      try registry.promote("illness", version: "3")
      #expect(try registry.rollback("illness").card.version == "1")
    }
  }

  @Test func theLiveVersionCannotBeTakenAway() throws {
    try withRegistry { registry in
      try registry.register(try TrainerTests.quickModel(seed: 1))
      for stage in [ModelStage.silent, .candidate, .retired] {
        let error = #expect(throws: ModelError.self) { try registry.setStage(stage, of: "illness", version: "1") }
        #expect(error?.code == .invalidSpecification)
      }
      #expect(throws: ModelError.self) { try registry.setStage(.silent, of: "illness", version: "9") }
    }
  }

  /// The pointer is replaced first: a crash before the journal's line loses the reason, not the truth.
  @Test func thePointersDecideAfterACrash() throws {
    try withRegistry { registry in
      for seed in 1...2 { try registry.register(try TrainerTests.quickModel(seed: UInt64(seed))) }
      let journal = "\(registry.directory)/illness/stages.ndjson"
      let lines = try String(contentsOfFile: journal, encoding: .utf8).split(separator: "\n")
      // The second promotion's line is cut off.
      try "\(lines[0])\n\(lines[1].prefix(20))".write(toFile: journal, atomically: true, encoding: .utf8)
      #expect(try registry.versions(of: "illness").map(\.stage) == [.retired, .live])
      #expect(try registry.rollback("illness").card.version == "1")
    }
  }

  @Test(arguments: [
    ("roc_auc >= 0.8", true), ("roc_auc > 0.9", false), ("roc_auc >= 0.8 and brier <= 0.2", true),
    ("roc_auc >= 0.9 or brier < 0.2", true), ("not (roc_auc >= 0.9)", true), ("roc_auc >= live.roc_auc - 0.02", true),
    ("trial.rows >= 100", false), ("roc_auc * 2 = 1.7", true), ("ROC_AUC >= .8 AND f1 >= 0", false),
    ("brier < -1", false),
  ])
  func rules(text: String, holds: Bool) throws {
    let figures = ["roc_auc": 0.85, "brier": 0.15, "live.roc_auc": 0.86]
    #expect(try PromotionRule(text).evaluate(figures).holds == holds)
  }

  @Test(arguments: [
    "", "roc_auc", "roc_auc >=", ">= 0.8", "roc_auc >= 0.8 and", "(roc_auc >= 0.8", "a > 1 b", "0x > 1", "a and b",
  ])
  func brokenRulesSayWhere(text: String) {
    let error = #expect(throws: ModelError.self) { try PromotionRule(text) }
    #expect(error?.message.contains("cannot be read") == true)
  }

  @Test func outcomesShowTheirNumbers() throws {
    let outcome = try PromotionRule("roc_auc >= 0.8 and trial.rows > 10").evaluate(["roc_auc": 0.81239])
    #expect(outcome.comparisons == ["roc_auc 0.8124 >= 0.8: yes", "trial.rows > 10: no, there is no trial.rows"])
  }
}
