internal import CMosquitto
internal import Glibc

/// A failure of an MQTT connection, told in one line with the broker's address and a remedy; never with a secret.
public struct MQTTError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What went wrong, as far as a caller may want to act on it.
  public enum Reason: Sendable, Hashable {
    /// Nobody answers at the address, or the connection broke.
    case brokerUnavailable
    /// The broker refused the login.
    case authenticationFailed
    /// The broker refused a subscription.
    case notAuthorized(topic: String)
    /// TLS could not be agreed on.
    case secureConnectionFailed
    /// The broker does not speak this version of MQTT.
    case unsupportedVersion
    /// A setting is wrong.
    case invalidConfiguration
    /// The broker said something else.
    case other
  }

  /// What went wrong.
  public let reason: Reason
  /// The broker's address.
  public let broker: String
  /// What the library or the broker said.
  public let detail: String

  /// Whether the same may succeed later without anybody changing the configuration.
  public var isRetriable: Bool {
    switch reason {
    case .brokerUnavailable, .other: true
    case .authenticationFailed, .notAuthorized, .secureConnectionFailed, .unsupportedVersion, .invalidConfiguration:
      false
    }
  }

  /// One line with a remedy.
  public var description: String {
    switch reason {
    case .brokerUnavailable:
      "mqtt: no connection to \(broker) (\(detail)). Start the broker, or correct mqtt.broker in lakeward.yml"
    case .authenticationFailed:
      "mqtt: \(broker) refused the login (\(detail)). Check mqtt.username and mqtt.password in lakeward.yml"
    case .notAuthorized(let topic):
      "mqtt: \(broker) refused the subscription to \(topic). Have the broker's administrator allow this user to read it"
    case .secureConnectionFailed:
      "mqtt: no TLS connection to \(broker) (\(detail)). Check mqtt.ca_file in lakeward.yml and the broker's certificate"
    case .unsupportedVersion: "mqtt: \(broker) speaks neither MQTT 5 nor 3.1.1"
    case .invalidConfiguration: "mqtt: \(detail)"
    case .other: "mqtt: \(broker): \(detail)"
    }
  }

  /// The error for a return code of the library.
  init(_ code: Int32, broker: String) {
    let code = mosq_err_t(rawValue: code)
    self.broker = broker
    detail =
      code == MOSQ_ERR_ERRNO ? String(cString: strerror(errno)) : String(cString: mosquitto_strerror(code.rawValue))
    switch code {
    case MOSQ_ERR_TLS, MOSQ_ERR_TLS_HANDSHAKE: reason = .secureConnectionFailed
    case MOSQ_ERR_INVAL, MOSQ_ERR_NOT_SUPPORTED, MOSQ_ERR_MALFORMED_UTF8: reason = .invalidConfiguration
    case MOSQ_ERR_PROTOCOL: reason = .other
    default: reason = .brokerUnavailable
    }
  }

  init(_ reason: Reason, broker: String, _ detail: String) {
    self.reason = reason
    self.broker = broker
    self.detail = detail
  }

  /// The error for a refused CONNECT (MQTT 3.1.1, section 3.2.2.3, and MQTT 5, section 3.2.2.2).
  static func refused(_ code: Int32, broker: String) -> MQTTError {
    let text =
      code < 128 ? String(cString: mosquitto_connack_string(code)) : String(cString: mosquitto_reason_string(code))
    return switch code {
    case 1, 132: MQTTError(.unsupportedVersion, broker: broker, text)
    case 4, 5, 134, 135, 140: MQTTError(.authenticationFailed, broker: broker, text)
    case 3, 136, 137, 151, 159: MQTTError(.brokerUnavailable, broker: broker, text)
    default: MQTTError(.other, broker: broker, text)
    }
  }
}
