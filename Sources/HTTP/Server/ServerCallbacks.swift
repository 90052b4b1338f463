internal import CMicroHTTPD

/// What libmicrohttpd calls, on its network threads. The context of each is the `ServerCore`, which outlives the daemon.
enum ServerCallbacks {
  /// A connection begins or ends. What is kept in the slot lives until the end, which comes before the descriptor is
  /// closed.
  static let connection: MHD_NotifyConnectionCallback = { context, connection, slot, event in
    guard let context, let connection, let slot else { return }
    let core = Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
    if event == .CONNECTION_NOTIFY_STARTED {
      let socket = ServerConnection(
        remoteAddress: cmhd_client_address(connection).map(ListenSocket.text) ?? "unknown",
        descriptor: cmhd_socket(connection),
        deadline: ConnectionWatch.now() + Int64(core.settings.headSeconds * 1_000))
      core.watch.add(socket)
      slot.pointee = Unmanaged.passRetained(socket).toOpaque()
    } else if let kept = slot.pointee {
      core.watch.remove(Unmanaged<ServerConnection>.fromOpaque(kept).takeRetainedValue())
      slot.pointee = nil
    }
  }

  /// The request line is in. What is returned becomes the request's slot.
  static let begin: cmhd_uri_callback = { context, target, connection in
    guard let context, let target, let connection else { return nil }
    let core = Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
    let socket = cmhd_socket_context(connection).map {
      Unmanaged<ServerConnection>.fromOpaque($0).takeUnretainedValue()
    }
    let exchange = Exchange(core, socket, target: String(cString: target), connection: connection)
    return Unmanaged.passRetained(exchange).toOpaque()
  }

  /// Targets are decoded by the router, segment by segment.
  static let leaveEscaped: cmhd_unescape_callback = { _, _, text in
    var length = 0
    while let byte = text?[length], byte != 0 { length += 1 }
    return length
  }

  /// Head, body and end of a request, and again after it was woken.
  static let proceed: MHD_AccessHandlerCallback = { _, connection, _, method, _, data, size, slot in
    guard let connection, let size, let kept = slot?.pointee else { return .NO }
    return Unmanaged<Exchange>.fromOpaque(kept).takeUnretainedValue()
      .proceed(connection, method: method, data: data, size: &size.pointee)
  }

  /// The request is over, well or not; gives back what `begin` retained.
  static let completed: MHD_RequestCompletedCallback = { _, _, slot, _ in
    guard let slot, let kept = slot.pointee else { return }
    slot.pointee = nil
    Unmanaged<Exchange>.fromOpaque(kept).takeRetainedValue().completed()
  }
}
