#if canImport(Glibc)
  public import Glibc
#elseif canImport(Musl)
  public import Musl
#else
  public import Darwin
#endif

/// A TCP socket that listens.
public enum ListenSocket {
  /// Binds and listens; returns the descriptor and the port, which is a free one where 0 was asked for.
  public static func open(host: String, port: UInt16) throws(ServerError) -> (descriptor: Int32, port: UInt16) {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host.isEmpty ? nil : host, String(port), &hints, &list)
    guard status == 0, let first = list else {
      throw ServerError(
        code: .address, description: "cannot listen on \(host): \(String(cString: gai_strerror(status)))")
    }
    defer { freeaddrinfo(list) }
    let descriptor = socket(
      first.pointee.ai_family, first.pointee.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), first.pointee.ai_protocol)
    guard descriptor >= 0 else { throw failure(host, port) }
    var yes: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    // The accepting threads share this socket: one that comes too late must not block.
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    guard bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0, listen(descriptor, 1024) == 0 else {
      let error = failure(host, port)
      close(descriptor)
      throw error
    }
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
        getsockname(descriptor, general, &length) == 0 ? portNumber(general) : nil
      }
    }
    return (descriptor, bound ?? port)
  }

  /// The address in numbers, such as `127.0.0.1` or `::1`; an IPv4 address that comes over IPv6 as IPv4.
  public static func text(_ address: UnsafePointer<sockaddr>) -> String {
    var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let length =
      address.pointee.sa_family == sa_family_t(AF_INET6)
      ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
    let status = getnameinfo(
      address, socklen_t(length), &buffer, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
    guard status == 0 else { return "unknown" }
    let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return text.hasPrefix("::ffff:") ? String(text.dropFirst(7)) : text
  }

  private static func portNumber(_ address: UnsafePointer<sockaddr>) -> UInt16? {
    switch Int32(address.pointee.sa_family) {
    case AF_INET:
      address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { UInt16(bigEndian: $0.pointee.sin_port) }
    case AF_INET6:
      address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { UInt16(bigEndian: $0.pointee.sin6_port) }
    default: nil
    }
  }

  private static func failure(_ host: String, _ port: UInt16) -> ServerError {
    let number = errno
    let reason = String(cString: strerror(number))
    return number == EADDRINUSE
      ? ServerError(
        code: .addressInUse,
        description: "port \(port) of \(host) is taken: stop the other server or choose another port")
      : ServerError(code: .address, description: "cannot listen on \(host):\(port): \(reason)")
  }
}
