import Foundation
import LakewardTesting
import OpenSSL
import Testing

/// Signatures are checked with Python's cryptography.
@Suite struct OpenSSLTests {
  private static func key(_ folder: TemporaryDirectory, _ arguments: [String]) throws -> String {
    let file = folder.file("key.pem")
    let outcome = try ChildProcess.run("openssl", ["genpkey"] + arguments + ["-out", file])
    #expect(outcome.succeeded, "\(outcome.errors)")
    return file
  }

  @Test(.enabled(if: ConnectPeers.isReady)) func signaturesAreRS256() throws {
    let folder = try TemporaryDirectory("openssl")
    let file = try Self.key(folder, ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
    let message = Array("header.claims".utf8)
    let signature = try PrivateKey(pem: String(contentsOfFile: file, encoding: .utf8)).signatureRS256(message)
    let script = """
      import sys
      from cryptography.hazmat.primitives import hashes, serialization
      from cryptography.hazmat.primitives.asymmetric import padding
      key = serialization.load_pem_private_key(open(sys.argv[1], "rb").read(), None).public_key()
      key.verify(bytes.fromhex(sys.argv[2]), b"header.claims", padding.PKCS1v15(), hashes.SHA256())
      """
    let text = signature.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    let interpreter = try #require(ConnectPeers.interpreter)
    let outcome = try ChildProcess.run(interpreter, ["-c", script, file, text])
    #expect(outcome.succeeded, "\(outcome.errors)")
  }

  @Test func otherKeysAreRefusedInOneLine() throws {
    let folder = try TemporaryDirectory("openssl")
    let error = #expect(throws: OpenSSLError.self) { try PrivateKey(pem: "no key") }
    #expect(error?.description.contains("must be PEM") == true)
    let file = try Self.key(folder, ["-algorithm", "ED25519"])
    let edwards = try PrivateKey(pem: String(contentsOfFile: file, encoding: .utf8))
    #expect(throws: OpenSSLError.self) { try edwards.signatureRS256([1]) }
    #expect(throws: OpenSSLError.self) { try ServerTLS(certificateFile: file, keyFile: file) }
  }
}
