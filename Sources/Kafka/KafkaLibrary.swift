internal import CRDKafka

/// The librdkafka that the program has been loaded with.
public enum KafkaLibrary {
  /// Its version, such as `2.0.2`.
  public static var version: String { String(cString: rd_kafka_version_str()) }

  /// True if its version is at least this one; only the first three numbers count.
  public static func isAtLeast(_ major: Int, _ minor: Int, _ revision: Int) -> Bool {
    // rdkafka.h, RD_KAFKA_VERSION: one byte each for major, minor, revision and pre-release.
    let version = rd_kafka_version() >> 8
    return version >= Int32(major << 16 | minor << 8 | revision)
  }
}
