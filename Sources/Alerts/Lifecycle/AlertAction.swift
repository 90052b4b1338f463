/// What a person does about an alert.
public enum AlertAction: Sendable, Hashable {
  /// Takes it. Doing so twice changes nothing.
  case acknowledge
  /// Silences reminders and escalation for some seconds; the severity bounds how many.
  case snooze(seconds: Int64)
  /// Tells the next level now.
  case escalate
  /// Writes something; also about a closed alert.
  case comment
  /// Closes it: what it asked for is done.
  case resolve
  /// Closes it: it needed nothing. A reason must be given.
  case dismiss

  /// The word of the command line and of the API's path.
  public var word: String {
    switch self {
    case .acknowledge: "acknowledge"
    case .snooze: "snooze"
    case .escalate: "escalate"
    case .comment: "comment"
    case .resolve: "resolve"
    case .dismiss: "dismiss"
    }
  }
}

/// Why an action was not taken. Nothing has changed.
public enum AlertRefusal: Error, Sendable, Hashable, CustomStringConvertible {
  /// No alert has this id.
  case unknownAlert
  /// The alert is closed.
  case closed(Alert.State)
  /// The action needs a reason, or a text.
  case noReason(action: String)
  /// A reason or comment is longer than ``AlertRules/longestReason`` characters.
  case reasonTooLong
  /// A snooze is longer than the severity allows, or not longer than nothing.
  case snoozeOutOfRange(severity: AlertSeverity, longestSeconds: Int64)
  /// An acknowledged alert reminds nobody.
  case nothingToSnooze
  /// The policy has no further level.
  case lastLevel
  /// The name of who acts is empty.
  case nobody

  /// A word that does not change, for programs.
  public var code: String {
    switch self {
    case .unknownAlert: "unknown_alert"
    case .closed: "alert_closed"
    case .noReason: "reason_required"
    case .reasonTooLong: "reason_too_long"
    case .snoozeOutOfRange: "snooze_out_of_range"
    case .nothingToSnooze: "nothing_to_snooze"
    case .lastLevel: "last_level"
    case .nobody: "nobody"
    }
  }

  /// One line: what is wrong and what to do.
  public var description: String {
    switch self {
    case .unknownAlert: "there is no such alert; lakeward alerts list names those that are open"
    case .closed(let state): "the alert is \(state.rawValue); only a comment can be added"
    case .noReason(let action): "to \(action) an alert, say why"
    case .reasonTooLong: "the text is longer than \(AlertRules.longestReason) characters; shorten it"
    case .snoozeOutOfRange(let severity, let longest):
      "an alert of severity \(severity.rawValue) can be snoozed for \(longest / 60) minutes at most"
    case .nothingToSnooze: "the alert is acknowledged: nobody is reminded of it, so there is nothing to snooze"
    case .lastLevel: "the policy has no further level to escalate to"
    case .nobody: "say who acts"
    }
  }
}
