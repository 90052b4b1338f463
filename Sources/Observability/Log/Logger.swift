internal import Foundation
internal import Synchronization

/// How much a line of the log matters.
public enum LogLevel: Int, Sendable, Comparable, CaseIterable {
  /// What only helps to find a mistake in the program.
  case debug
  /// What went on.
  case info
  /// What somebody should look at; work goes on.
  case warning
  /// What did not work.
  case error

  /// In order of weight.
  public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }

  /// The word in a line: `debug`, `info`, `warning`, `error`.
  public var name: String { "\(self)" }

  /// The level that a word names.
  public init?(name: String) {
    guard let level = Self.allCases.first(where: { $0.name == name.lowercased() }) else { return nil }
    self = level
  }
}

/// What a field of a log line may hold: figures, words of the configuration, and errors.
///
/// There is no case for free text, and an event's name and its fields' names are fixed at compile time. So a patient's
/// value can get into the log only by being put where a name of a table belongs, or into an error's text, where the
/// project's rules forbid it.
public enum LogValue: Sendable {
  /// A whole number.
  case count(Int64)
  /// A time span in seconds.
  case seconds(Double)
  /// Any other number.
  case number(Double)
  /// Yes or no.
  case flag(Bool)
  /// A word of the configuration or of the program: a pipeline, table, rule, stage, route, file, host or version.
  case name(String)
  /// An instant, microseconds since 1970.
  case instant(Int64)
  /// Why something did not work; its text names tables, files and offsets, never values.
  case error(any Error)
}

/// Writes what happens as lines: JSON for machines, or text for people.
///
/// May be used from any thread. Lines are whole: two threads' lines never mix.
public final class Logger: Sendable {
  /// How a line looks.
  public enum Format: String, Sendable, CaseIterable {
    /// One JSON object: `time`, `level`, `event`, then the fields.
    case json
    /// Time, level, event, then `name=value`.
    case text
  }

  /// The least level that is written.
  public let level: LogLevel
  private let format: Format
  private let clock: @Sendable () -> Int64
  private let sink: @Sendable (String) -> Void
  private let order = Mutex(())

  /// - Parameters:
  ///   - clock: The time of day, microseconds since 1970.
  ///   - sink: Takes a line with its line end, one at a time.
  public init(
    format: Format, level: LogLevel = .info, clock: @escaping @Sendable () -> Int64 = Logger.systemClock,
    sink: @escaping @Sendable (String) -> Void
  ) {
    self.format = format
    self.level = level
    self.clock = clock
    self.sink = sink
  }

  /// A logger that writes nothing.
  public static let silent = Logger(format: .json, level: .error) { _ in }

  /// The time of day, microseconds since 1970.
  public static func systemClock() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
  }

  /// Writes a line, if its level matters.
  /// - Parameters:
  ///   - event: What happened, in a few fixed words.
  ///   - fields: Its circumstances.
  public func log(_ level: LogLevel, _ event: StaticString, _ fields: KeyValuePairs<StaticString, LogValue> = [:]) {
    guard level >= self.level else { return }
    let fields = fields.map { (name: "\($0.key)", value: $0.value) }
    let line = LogLine.text(format, time: clock(), level: level, event: "\(event)", fields: fields)
    order.withLock { _ in sink(line) }
  }

  /// Writes a line of level `debug`.
  public func debug(_ event: StaticString, _ fields: KeyValuePairs<StaticString, LogValue> = [:]) {
    log(.debug, event, fields)
  }

  /// Writes a line of level `info`.
  public func info(_ event: StaticString, _ fields: KeyValuePairs<StaticString, LogValue> = [:]) {
    log(.info, event, fields)
  }

  /// Writes a line of level `warning`.
  public func warning(_ event: StaticString, _ fields: KeyValuePairs<StaticString, LogValue> = [:]) {
    log(.warning, event, fields)
  }

  /// Writes a line of level `error`.
  public func error(_ event: StaticString, _ fields: KeyValuePairs<StaticString, LogValue> = [:]) {
    log(.error, event, fields)
  }
}
