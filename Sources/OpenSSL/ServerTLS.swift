internal import COpenSSL
internal import Foundation

/// A server's certificate and key, for TLS 1.2 and 1.3.
public final class ServerTLS: Sendable {
  // Safe to share: an SSL_CTX counts its references with a lock and is not changed after the start.
  nonisolated(unsafe) fileprivate let context: OpaquePointer

  /// Reads a certificate chain and its key, both files in PEM.
  public init(certificateFile: String, keyFile: String) throws(OpenSSLError) {
    guard let context = SSL_CTX_new(TLS_server_method()) else { throw OpenSSLError("TLS cannot be started") }
    self.context = context
    _ = cssl_least_version(context)
    guard SSL_CTX_use_certificate_chain_file(context, certificateFile) == 1 else {
      throw OpenSSLError("\(certificateFile): the certificate cannot be used")
    }
    guard SSL_CTX_use_PrivateKey_file(context, keyFile, SSL_FILETYPE_PEM) == 1,
      SSL_CTX_check_private_key(context) == 1
    else { throw OpenSSLError("\(keyFile): the key cannot be used, or belongs to another certificate") }
  }

  deinit { SSL_CTX_free(context) }
}

/// An encrypted connection over a blocking socket, which stays its owner's. One thread uses it.
public final class TLSStream {
  private let session: OpaquePointer

  /// Shakes hands with the client. OpenSSL writes with plain `write`, so the calling thread no longer takes SIGPIPE.
  public init(_ tls: ServerTLS, descriptor: Int32) throws(OpenSSLError) {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    ERR_clear_error()
    guard let session = SSL_new(tls.context) else { throw OpenSSLError("TLS cannot be started") }
    self.session = session
    guard SSL_set_fd(session, descriptor) == 1, SSL_accept(session) == 1 else {
      throw OpenSSLError("the TLS handshake failed")
    }
  }

  deinit {
    _ = SSL_shutdown(session)
    SSL_free(session)
  }

  /// Reads what has come, at most `count` bytes; empty at the end or after an error.
  public func read(_ count: Int) -> [UInt8] {
    ERR_clear_error()
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
      length = max(0, Int(SSL_read(session, buffer.baseAddress, Int32(count))))
    }
  }

  /// Writes everything; false: the connection is broken.
  public func write(_ bytes: [UInt8]) -> Bool {
    ERR_clear_error()
    var done = 0
    return bytes.withUnsafeBytes { buffer in
      while done < bytes.count {
        let size = Int32(min(bytes.count - done, 1 << 20))
        let written = SSL_write(session, buffer.baseAddress?.advanced(by: done), size)
        guard written > 0 else { return false }
        done += Int(written)
      }
      return true
    }
  }
}
