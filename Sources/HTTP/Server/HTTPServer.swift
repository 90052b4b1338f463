internal import CMicroHTTPD
internal import Foundation
internal import Synchronization

/// An HTTP/1.1 server over libmicrohttpd: an epoll loop per network thread, handlers that wait on threads of their own.
///
/// It stops with `stop`, at the latest with its last reference.
public final class HTTPServer: Sendable {
  /// The port that it listens on.
  public let port: UInt16
  /// `http://HOST:PORT`, or `https://…`.
  public let address: String

  private struct Running {
    nonisolated(unsafe) var daemon: OpaquePointer
    var core: Unmanaged<ServerCore>
  }

  private let running: Mutex<Running?>
  private let core: ServerCore

  /// Starts a server.
  ///
  /// Raises the process's limit of open files as far as it may go, because every client is one.
  /// - Throws: `ServerError` if the address cannot be used or the certificate does not fit its key.
  public init(_ settings: ServerSettings, application: any ServerApplication) throws(ServerError) {
    Self.raiseFileLimit()
    let core = ServerCore(settings, application)
    self.core = core
    let (descriptor, port) = try ListenSocket.open(host: settings.host, port: settings.port)
    self.port = port
    let host = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
    address = "\(settings.identity == nil ? "http" : "https")://\(host):\(port)"
    // Held for the library until it has stopped.
    let context = Unmanaged.passRetained(core)
    guard let daemon = Self.start(settings, descriptor, context.toOpaque()) else {
      context.release()
      close(descriptor)
      core.watch.stop()
      core.drain(seconds: 0)
      throw settings.identity == nil
        ? ServerError(code: .library, description: "libmicrohttpd does not start (it says no reason)")
        : ServerError(
          code: .identity,
          description: "the TLS certificate or key cannot be used: both must be PEM and belong together")
    }
    running = Mutex(Running(daemon: daemon, core: context))
  }

  deinit { stop(graceSeconds: 0) }

  /// Open connections.
  public var connectionCount: Int { core.watch.count }

  /// Refuses new requests with 503, ends event streams, lets what is being answered finish, then closes everything.
  public func stop(graceSeconds: Double = 10) {
    let running = running.withLock { state in
      defer { state = nil }
      return state
    }
    guard let running else { return }
    core.beginStop()
    // Not MHD_quiesce_daemon: with a thread pool, 0.9.75 may remove the listening socket twice and end the process. Who
    // comes while the server drains is told so.
    core.drain(seconds: graceSeconds)
    MHD_stop_daemon(running.daemon)
    core.watch.stop()
    running.core.release()
  }

  private static func start(
    _ settings: ServerSettings, _ descriptor: Int32, _ context: UnsafeMutableRawPointer
  ) -> OpaquePointer? {
    var flags = MHD_USE_EPOLL_INTERNAL_THREAD.rawValue | MHD_ALLOW_SUSPEND_RESUME.rawValue
    var options = [
      MHD_OptionItem(option: .LISTEN_SOCKET, value: Int(descriptor), ptr_value: nil),
      MHD_OptionItem(option: .CONNECTION_LIMIT, value: settings.maximumConnections, ptr_value: nil),
      MHD_OptionItem(option: .CONNECTION_MEMORY_LIMIT, value: settings.headerBytes, ptr_value: nil),
      MHD_OptionItem(option: .CONNECTION_TIMEOUT, value: settings.stallSeconds, ptr_value: nil),
      MHD_OptionItem(option: .STRICT_FOR_CLIENT, value: 1, ptr_value: nil),
      MHD_OptionItem(
        option: .NOTIFY_CONNECTION, value: cmhd_connection(ServerCallbacks.connection), ptr_value: context),
      MHD_OptionItem(option: .URI_LOG_CALLBACK, value: cmhd_uri(ServerCallbacks.begin), ptr_value: context),
      MHD_OptionItem(
        option: .UNESCAPE_CALLBACK, value: cmhd_unescape(ServerCallbacks.leaveEscaped), ptr_value: nil),
      MHD_OptionItem(
        option: .NOTIFY_COMPLETED, value: cmhd_completed(ServerCallbacks.completed), ptr_value: context),
    ]
    if settings.networkThreads > 1 {
      options.append(
        MHD_OptionItem(option: .THREAD_POOL_SIZE, value: settings.networkThreads, ptr_value: nil))
    }
    if settings.maximumConnectionsPerAddress > 0 {
      options.append(
        MHD_OptionItem(
          option: .PER_IP_CONNECTION_LIMIT, value: settings.maximumConnectionsPerAddress, ptr_value: nil))
    }
    guard let identity = settings.identity else { return start(flags, &options, context) }
    guard MHD_is_feature_supported(.FEATURE_TLS) == .YES else { return nil }
    flags |= MHD_USE_TLS.rawValue
    // The library parses the PEM while it starts and keeps the priorities' text no longer either.
    return identity.certificate.withCString { certificate in
      identity.key.withCString { key in
        "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2".withCString { priorities in
          for (option, text) in [
            (MHD_OPTION.HTTPS_MEM_CERT, certificate), (MHD_OPTION.HTTPS_MEM_KEY, key),
            (MHD_OPTION.HTTPS_PRIORITIES, priorities),
          ] {
            options.append(MHD_OptionItem(option: option, value: 0, ptr_value: UnsafeMutableRawPointer(mutating: text)))
          }
          return start(flags, &options, context)
        }
      }
    }
  }

  private static func start(
    _ flags: UInt32, _ options: inout [MHD_OptionItem], _ context: UnsafeMutableRawPointer
  ) -> OpaquePointer? {
    options.append(MHD_OptionItem(option: .END, value: 0, ptr_value: nil))
    return cmhd_start(flags, 0, ServerCallbacks.proceed, context, &options)
  }

  private static func raiseFileLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = min(limit.rlim_max, 65_536)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
