#if canImport(Glibc)
  import Glibc
#endif

/// A TCP port of the loopback address that nothing listens on.
public enum FreePort {
  /// Asks the kernel for one. It is free when this returns; only a server that binds it soon has it for sure.
  ///
  /// - Throws: ``PortError`` when the kernel gives none.
  public static func next() throws -> UInt16 {
    let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard handle >= 0 else { throw PortError(code: errno) }
    defer { close(handle) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
        bind(handle, general, length) == 0 ? getsockname(handle, general, &length) : -1
      }
    }
    guard status == 0 else { throw PortError(code: errno) }
    return UInt16(bigEndian: address.sin_port)
  }
}

/// No free port was to be had.
public struct PortError: Error, CustomStringConvertible {
  /// The kernel's error number.
  public let code: Int32

  /// One line with the kernel's reason.
  public var description: String { "no free TCP port on 127.0.0.1: \(String(cString: strerror(code)))" }
}
