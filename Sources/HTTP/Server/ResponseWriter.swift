internal import CMicroHTTPD

/// Hands answers over to the library.
enum ResponseWriter {
  /// Queues an answer; `NO` closes the connection.
  static func queue(
    _ response: ServerResponse, settings: ServerSettings, isClosing: Bool, on connection: OpaquePointer
  ) -> MHD_Result {
    guard let raw = make(response.body, connection) else { return .NO }
    defer { MHD_destroy_response(raw) }
    for field in settings.headers.fields where response.headers[field.name] == nil { add(field, to: raw) }
    for field in response.headers.fields { add(field, to: raw) }
    if isClosing { MHD_add_response_header(raw, "Connection", "close") }
    return MHD_queue_response(connection, UInt32(response.status), raw)
  }

  private static func add(_ field: HTTPHeaders.Field, to raw: OpaquePointer) {
    // A line break would end the field; the library refuses it, and the field is left out.
    MHD_add_response_header(raw, field.name, field.value)
  }

  private static func make(_ body: ServerResponse.Body, _ connection: OpaquePointer) -> OpaquePointer? {
    switch body {
    case .bytes(let bytes):
      return bytes.withUnsafeBytes { buffer in
        // Copied by the library; it never writes to what it is given.
        MHD_create_response_from_buffer(
          buffer.count, UnsafeMutableRawPointer(mutating: buffer.baseAddress), .RESPMEM_MUST_COPY)
      }
    case .file(let file):
      let descriptor = file.take()
      guard descriptor >= 0 else { return nil }
      return MHD_create_response_from_fd64(UInt64(file.size), descriptor)
    case .events(let subscription):
      subscription.attach(connection)
      let raw = MHD_create_response_from_callback(
        // All bits set: the size is not known (MHD_SIZE_UNKNOWN).
        UInt64.max, 4_096, readEvents, Unmanaged.passRetained(subscription).toOpaque(), releaseEvents)
      if raw == nil { releaseEvents(Unmanaged.passUnretained(subscription).toOpaque()) }
      return raw
    }
  }

  /// Called on a network thread whenever the other side can take more.
  private static let readEvents: MHD_ContentReaderCallback = { context, _, buffer, size in
    guard let context, let buffer else { return -1 }
    return Unmanaged<EventSubscription>.fromOpaque(context).takeUnretainedValue()
      .read(into: UnsafeMutableRawBufferPointer(start: buffer, count: size))
  }

  /// Called once when the library frees the answer; gives back what `make` retained.
  private static let releaseEvents: MHD_ContentReaderFreeCallback = { context in
    guard let context else { return }
    Unmanaged<EventSubscription>.fromOpaque(context).takeRetainedValue().detach()
  }
}
