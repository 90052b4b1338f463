/// Where an MQTT broker is and how to log in.
public struct MQTTConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
  /// Host name or address.
  public var host: String
  /// TCP port.
  public var port: Int
  /// Whether the connection is encrypted and the broker's certificate checked.
  public var usesTLS: Bool
  /// User name, if the broker wants one.
  public var username: String?
  /// Password, if the broker wants one.
  public var password: String?
  /// File of certificates (PEM) that the broker's certificate is checked against; nil: the system's.
  public var caFile: String?
  /// File of the client's own certificate (PEM), if the broker wants one.
  public var certificateFile: String?
  /// File of the key to it (PEM).
  public var keyFile: String?
  /// Seconds of silence after which either side takes the other for gone.
  public var keepAliveSeconds: Int

  /// A broker; without TLS and without a login unless said otherwise.
  public init(
    host: String, port: Int = 1883, usesTLS: Bool = false, username: String? = nil, password: String? = nil,
    caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, keepAliveSeconds: Int = 30
  ) {
    self.host = host
    self.port = port
    self.usesTLS = usesTLS
    self.username = username
    self.password = password
    self.caFile = caFile
    self.certificateFile = certificateFile
    self.keyFile = keyFile
    self.keepAliveSeconds = keepAliveSeconds
  }

  /// The address alone: no user, no password.
  public var description: String { "\(usesTLS ? "mqtts" : "mqtt")://\(host):\(port)" }

  /// Shows what `description` shows, so that a dump holds no secrets either.
  public var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}
