internal import Foundation

/// The figures of the process itself, under the names that Prometheus's client libraries use.
public enum ProcessMetrics {
  /// Adds memory, processor time, open files, threads and the start time to a registry. Linux's `/proc` gives them;
  /// elsewhere they stay at zero.
  public static func register(in registry: MetricRegistry, version: String) {
    let resident = registry.gauge("process_resident_memory_bytes", "Memory of the process that is in RAM, bytes")
    let virtual = registry.gauge("process_virtual_memory_bytes", "Address space of the process, bytes")
    let processor = registry.counter("process_cpu_seconds_total", "User and system time of the process, seconds")
    let files = registry.gauge("process_open_fds", "Open file descriptors")
    let threads = registry.gauge("process_threads", "Threads of the process")
    let start = registry.gauge("process_start_time_seconds", "When the process started, seconds since 1970")
    registry.gauge("lakeward_build_info", "1; the label names the version", labels: "version")[version].set(1.0)
    let began = Date().timeIntervalSince1970 - (uptime() ?? 0)
    registry.onCollect {
      start[].set(began)
      guard let figures = read() else { return }
      resident[].set(figures.residentBytes)
      virtual[].set(figures.virtualBytes)
      processor[].raise(to: figures.processorSeconds)
      threads[].set(figures.threads)
      files[].set(Int64((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0))
    }
  }

  /// Memory and time that a process has taken.
  public struct Figures: Sendable {
    /// Memory in RAM, bytes.
    public var residentBytes: Int64
    /// Address space, bytes.
    public var virtualBytes: Int64
    /// User and system time, seconds.
    public var processorSeconds: Double
    /// Threads.
    public var threads: Int64
    /// Clock ticks between the machine's start and the process's.
    var startTicks: Double
  }

  /// What this process has taken so far; nil where there is no `/proc`.
  public static func read() -> Figures? {
    guard let text = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
      let end = text.lastIndex(of: ")")
    else { return nil }
    // proc(5): the fields after the name, which may hold spaces, from the third on.
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 21, let user = Double(fields[11]), let system = Double(fields[12]),
      let threads = Int64(fields[17]), let start = Double(fields[19]), let virtual = Int64(fields[20]),
      let pages = Int64(fields[21])
    else { return nil }
    return Figures(
      residentBytes: pages * Int64(sysconf(Int32(_SC_PAGESIZE))), virtualBytes: virtual,
      processorSeconds: (user + system) / ticksPerSecond, threads: threads, startTicks: start)
  }

  private static var ticksPerSecond: Double { max(1, Double(sysconf(Int32(_SC_CLK_TCK)))) }

  /// Seconds since the process started.
  private static func uptime() -> Double? {
    guard let figures = read(), let text = try? String(contentsOfFile: "/proc/uptime", encoding: .utf8),
      let machine = text.split(separator: " ").first.flatMap({ Double($0) })
    else { return nil }
    return machine - figures.startTicks / ticksPerSecond
  }
}
