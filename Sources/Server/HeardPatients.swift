internal import Foundation
internal import Synchronization

/// Gathers of whom listeners to events heard, until it is written to the audit log: one entry for each caller and address,
/// however many streams they have open.
final class HeardPatients: Sendable {
  private struct Listener: Hashable {
    var principal: Principal
    var address: String
    var path: String
  }

  private let heard = Mutex<[Listener: Set<String>]>([:])

  /// Notes that a caller heard of patients.
  func note(_ patients: Set<String>, by principal: Principal, from address: String, at path: String) {
    let listener = Listener(principal: principal, address: address, path: path)
    heard.withLock { $0[listener, default: []].formUnion(patients) }
  }

  /// Hands what was gathered to the log.
  func write(to audit: AuditLog) {
    let entries = heard.withLock { heard in
      defer { heard = [:] }
      return heard
    }
    for (listener, patients) in entries {
      let entry = AuditLog.Entry(
        at: Int64(Date().timeIntervalSince1970 * 1e6), principal: listener.principal, action: "hear events",
        patients: Array(patients), method: "GET", path: listener.path, status: 200, address: listener.address)
      do {
        try audit.add(entry, durably: false)
      } catch {
        // The log is full and refuses new requests; what was heard is handed over the next time.
        heard.withLock { $0[listener, default: []].formUnion(patients) }
      }
    }
  }
}
