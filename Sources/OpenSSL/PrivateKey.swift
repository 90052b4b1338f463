internal import COpenSSL

/// What OpenSSL refuses. The text never holds a key.
public struct OpenSSLError: Error, Sendable, Hashable, CustomStringConvertible {
  /// One line.
  public let description: String

  init(_ what: String) {
    var last: UInt = 0
    // The newest reason; the queue belongs to the thread and must not be left to the next call.
    while case let code = ERR_get_error(), code != 0 { last = code }
    let reason = ERR_reason_error_string(last).map { ": " + String(cString: $0) } ?? ""
    description = what + reason
  }
}

/// A private key that signs.
public final class PrivateKey {
  private let key: OpaquePointer

  /// Reads a key that is not encrypted.
  /// - Parameter pem: The key, PEM (PKCS #8 or PKCS #1).
  public init(pem: String) throws(OpenSSLError) {
    let bytes = Array(pem.utf8)
    guard let memory = BIO_new_mem_buf(bytes, Int32(bytes.count)) else { throw OpenSSLError("out of memory") }
    defer { BIO_free(memory) }
    // An encrypted key must fail, not ask the terminal.
    guard let key = PEM_read_bio_PrivateKey(memory, nil, { _, _, _, _ in 0 }, nil) else {
      throw OpenSSLError("the private key cannot be read: it must be PEM and without a password")
    }
    self.key = key
  }

  deinit { EVP_PKEY_free(key) }

  /// The RSASSA-PKCS1-v1_5 signature with SHA-256 (RFC 7518, section 3.3: `RS256`).
  public func signatureRS256(_ message: [UInt8]) throws(OpenSSLError) -> [UInt8] {
    guard EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA else { throw OpenSSLError("the private key is no RSA key") }
    guard let context = EVP_MD_CTX_new() else { throw OpenSSLError("out of memory") }
    defer { EVP_MD_CTX_free(context) }
    var length = 0
    guard EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key) == 1,
      EVP_DigestSign(context, nil, &length, message, message.count) == 1
    else { throw OpenSSLError("the message cannot be signed") }
    var signature = [UInt8](repeating: 0, count: length)
    guard EVP_DigestSign(context, &signature, &length, message, message.count) == 1 else {
      throw OpenSSLError("the message cannot be signed")
    }
    return Array(signature.prefix(length))
  }
}
