import Foundation

/// A counterpart of BigQuery's REST API, of Google's token endpoint and of the metadata server, in a process of its own; it
/// ends with the last reference.
public final class BigQueryCounterpart {
  /// Its address, `http://127.0.0.1:PORT`.
  public let address: String
  /// The key of a service account that its token endpoint knows, as Google's console gives it.
  public let accountFile: String
  private let process: ChildProcess

  /// Starts one whose files lie in a folder.
  /// - Throws: ``PeerError`` without Python's environment; ``ProcessError``.
  public init(folder: String) throws {
    guard let interpreter = ConnectPeers.interpreter else { throw PeerError.absent }
    let (key, publicKey, portFile) = (folder + "/key.pem", folder + "/public.pem", folder + "/port")
    let steps = [
      ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key],
      ["pkey", "-in", key, "-pubout", "-out", publicKey],
    ]
    for step in steps {
      let outcome = try ChildProcess.run("openssl", step)
      guard outcome.succeeded else { throw PeerError.failed(script: "openssl", outcome) }
    }
    let uploads = folder + "/uploads"
    try FileManager.default.createDirectory(atPath: uploads, withIntermediateDirectories: true)
    process = try ChildProcess(
      interpreter,
      [Places.packageRoot() + "/Tests/LakewardTesting/peers/bigquery_server.py", portFile, uploads, publicKey],
      environment: ConnectPeers.environment)
    let end = Date(timeIntervalSinceNow: 120)
    while !FileManager.default.fileExists(atPath: portFile), process.isRunning, Date() < end {
      Thread.sleep(forTimeInterval: 0.05)
    }
    guard let port = try? String(contentsOfFile: portFile, encoding: .utf8) else {
      throw PeerError.answer(process.errorsSoFar)
    }
    address = "http://127.0.0.1:\(port)"
    accountFile = folder + "/account.json"
    let account = [
      "type": "service_account", "client_email": "loader@hospital.example", "private_key_id": "k1",
      "private_key": try String(contentsOfFile: key, encoding: .utf8), "token_uri": address + "/token",
    ]
    try JSONSerialization.data(withJSONObject: account).write(to: URL(fileURLWithPath: accountFile))
  }

  deinit { process.signal(SIGTERM) }

  /// What it has said of its own errors.
  public var complaints: String { String(process.errorsSoFar.suffix(3_000)) }
}
