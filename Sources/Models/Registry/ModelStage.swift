/// Where a version of a model stands on its way from training to use.
public enum ModelStage: String, Sendable, Hashable, CaseIterable, Codable {
  /// Registered; nothing uses it.
  case candidate
  /// Scores the stream beside the live version; nobody is alerted. One version of a model at most.
  case silent
  /// Scores. One version of a model at most.
  case live
  /// Was live, or was given up.
  case retired
}

/// One step of a version, as the registry remembers it.
public struct StageEvent: Sendable, Hashable, Codable {
  /// The version.
  public var version: String
  /// The stage that it came to.
  public var stage: ModelStage
  /// When, ISO 8601 in UTC.
  public var time: String
  /// Why, in a few words; empty if nobody said.
  public var reason: String
  /// Whether the version came back in place of a later one.
  public var isRollback: Bool

  /// An event from its parts.
  public init(version: String, stage: ModelStage, time: String, reason: String = "", isRollback: Bool = false) {
    self.version = version
    self.stage = stage
    self.time = time
    self.reason = reason
    self.isRollback = isRollback
  }
}

/// What a registry knows about the stages of one model's versions: two pointers, and what happened before.
///
/// The pointers decide. A crash between a pointer and its event loses the event's reason and nothing else.
struct StageBook: Sendable {
  var live: String?
  var silent: String?
  var events: [StageEvent] = []

  /// The stage of a version.
  func stage(of version: String) -> ModelStage {
    if version == live { return .live }
    if version == silent { return .silent }
    switch events.last(where: { $0.version == version })?.stage {
    case .live, .retired: return .retired
    case .silent, .candidate, nil: return .candidate
    }
  }

  /// The version that was live before the live one, as if promotions were laid on a pile and rollbacks taken off it.
  var previousLive: String? {
    var pile: [String] = []
    for event in events where event.stage == .live {
      if event.isRollback, let index = pile.lastIndex(of: event.version) {
        pile.removeSubrange((index + 1)...)
      } else if pile.last != event.version {
        pile.append(event.version)
      }
    }
    if pile.last == live { pile.removeLast() }
    return pile.last
  }
}
