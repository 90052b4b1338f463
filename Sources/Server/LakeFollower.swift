internal import DeltaLake
internal import Foundation
internal import HTTP
internal import JSON
internal import Streaming
internal import Synchronization

/// Watches the lake's tables and tells listeners what was committed, whichever process committed it.
final class LakeFollower: Sendable {
  private let context: ServerContext
  private let stopped = Atomic(false)
  private let done = DispatchSemaphore(value: 0)

  init(_ context: ServerContext) {
    self.context = context
    let thread = Thread { [self] in
      var versions: [String: Int64] = [:]
      look(&versions, isFirst: true)
      while !stopped.load(ordering: .relaxed) {
        Thread.sleep(forTimeInterval: 0.2)
        if context.events.clientCount > 0 || versions.isEmpty { look(&versions, isFirst: false) }
      }
      done.signal()
    }
    thread.name = "lake follower"
    thread.stackSize = 4 << 20
    thread.start()
  }

  /// Ends the watch.
  func stop() {
    stopped.store(true, ordering: .relaxed)
    done.wait()
  }

  private func look(_ versions: inout [String: Int64], isFirst: Bool) {
    guard let names = try? context.lake.tableNames() else { return }
    for name in names {
      guard let version = try? context.lake.table(named: name).snapshot().version else { continue }
      let before = versions.updateValue(version, forKey: name)
      guard !isFirst, before != version else { continue }
      var writer = JSONWriter()
      writer.beginObject()
      writer.member("table", name)
      writer.member("version", version)
      writer.endObject()
      context.events.publish("commit", writer.bytes)
    }
  }
}
