internal import DeltaLake

/// Ids that follow from what they name, so that every process and every replay gives the same.
enum AlertIdentity {
  /// The id of the alert of a policy for a patient that begins with a row of this event time.
  static func id(_ policy: PolicyID, patient: String, eventTime: Int64) -> String {
    digest("alert\u{0}\(policy.pipeline)\u{0}\(policy.policy)\u{0}\(patient)\u{0}\(eventTime)")
  }

  /// The id of the alert that begins with a transition.
  static func id(of transition: Transition) -> String {
    id(transition.policy, patient: transition.patient, eventTime: transition.eventTime)
  }

  /// The id of what a notifier is told because of an event.
  static func delivery(sequence: Int64, alert: String, notifier: String) -> String {
    digest("delivery\u{0}\(sequence)\u{0}\(alert)\u{0}\(notifier)")
  }

  /// 20 hexadecimal digits (80 bits) of the SHA-256 of a text.
  static func digest(_ text: String) -> String {
    String(SHA256.hexadecimal(SHA256.hash(Array(text.utf8))).prefix(20))
  }
}

/// Instants as people and programs read them.
enum CalendarTimeText {
  /// `2026-01-31T08:00:00Z`, to the second, for microseconds since 1970.
  static func iso(_ microseconds: Int64) -> String {
    let seconds = microseconds >= 0 ? microseconds / 1_000_000 : (microseconds - 999_999) / 1_000_000
    let day = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
    let ofDay = seconds - day * 86_400
    // Days to a civil date: H. Hinnant, "chrono-compatible low-level date algorithms".
    let shifted = day + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let ofEra = shifted - era * 146_097
    let yearOfEra = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * ofYear + 2) / 153
    let dayOfMonth = ofYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    func padded(_ number: Int64, _ width: Int = 2) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return "\(padded(year, 4))-\(padded(month))-\(padded(dayOfMonth))T"
      + "\(padded(ofDay / 3_600)):\(padded(ofDay / 60 % 60)):\(padded(ofDay % 60))Z"
  }
}
