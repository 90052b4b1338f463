internal import Foundation

/// An open file on its way to a client.
public final class ServedFile: @unchecked Sendable {
  // Safe to share: the descriptor is taken once, under the lock.
  private let lock = NSLock()
  private var descriptor: Int32
  /// Bytes in it.
  public let size: Int

  init(descriptor: Int32, size: Int) {
    self.descriptor = descriptor
    self.size = size
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Hands the descriptor over to whoever closes it; -1 the second time.
  func take() -> Int32 {
    lock.lock()
    defer { lock.unlock() }
    defer { descriptor = -1 }
    return descriptor
  }
}
