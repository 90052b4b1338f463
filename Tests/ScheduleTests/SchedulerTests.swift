import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Pipelines
import Schedule
import Streaming
import Synchronization
import Testing

/// Real processes under the scheduler: those that take too long, those that must end, and those that do not want to.
@Suite struct SchedulerTests {
  /// A scheduler whose program is the shell.
  private struct Place {
    let directory: TemporaryDirectory
    let lake: Lake
    let jobs: [ScheduledJob]
    let scheduler: Scheduler
    let events = Events()

    /// - Parameters:
    ///   - script: What the job `it` runs; it can write the file `$PLACE/NAME`.
    ///   - keys: Further keys of the job.
    init(_ script: String, _ keys: String, graceSeconds: Double = 20) throws {
      directory = try TemporaryDirectory("schedule")
      lake = Lake(root: directory.file("lake"))
      let words = "[\"-c\", \"PLACE='\(directory.path)'; \(script)\"]"
      let configuration = try LakeConfiguration(
        yaml: "schedule:\n  it: { run: \(words), \(keys) }\n", file: "lakeward.yml")
      jobs = try ScheduledJob.read(try #require(configuration.schedule), commands: ["-c"])
      let events = events
      scheduler = try Scheduler(jobs, lake: lake, program: "/bin/sh", options: [], graceSeconds: graceSeconds) {
        if case .ended(let entry) = $0 { events.entries.withLock { $0.append(entry) } }
        if case .failed(let error) = $0 { Issue.record("\(error)") }
      }
    }

    /// Waits until a script has written a file; its text.
    func file(_ name: String) throws -> String {
      let end = Date(timeIntervalSinceNow: 120)
      while Date() < end {
        if let text = try? String(contentsOfFile: directory.file(name), encoding: .utf8), text.hasSuffix("\n") {
          return String(text.dropLast())
        }
        Thread.sleep(forTimeInterval: 0.02)
      }
      throw ProcessError.neverSaid(text: name, output: "", errors: "")
    }

    /// Whether a process is there that is not merely waiting to be fetched.
    func isAlive(_ number: String) -> Bool {
      let status = try? String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8)
      return status.map { !$0.contains(") Z ") } ?? false
    }
  }

  private final class Events: Sendable {
    let entries = Mutex<[ScheduleHistory.Entry]>([])
  }

  @Test func attemptsThatTakeTooLongAreEnded() throws {
    let place = try Place(
      "echo $$ > $PLACE/number; echo 'the last words' >&2; exec sleep 1000",
      "cron: '0 0 1 1 *', timeout: 1 s, retries: 1, retry_delay: 0 s", graceSeconds: 90)
    let entry = place.scheduler.runNow(place.jobs[0], stop: StopSignal())
    #expect(entry.outcome == .timedOut && entry.exitCode == nil && entry.error == "the last words")
    #expect(entry.attempt == 2, "a time limit is a failure: it is tried again")
    #expect(place.events.entries.withLock { $0.map(\.outcome) } == [.timedOut, .timedOut])
    #expect(place.isAlive(try place.file("number")) == false)
    // sleep listens, so nobody had to wait until it was killed.
    let span = try #require(entry.span)
    #expect(span.upperBound - span.lowerBound >= 1 && span.upperBound - span.lowerBound < 90)
  }

  @Test func aJobThatDoesNotListenIsKilledWithWhatItStarted() throws {
    let place = try Place(
      "trap '' TERM; sleep 1000 & echo $! > $PLACE/child; echo $$ > $PLACE/number; wait; sleep 1000",
      "cron: '0 0 1 1 *', timeout: 1 s", graceSeconds: 0.5)
    let entry = place.scheduler.runNow(place.jobs[0], stop: StopSignal())
    #expect(entry.outcome == .timedOut)
    for name in ["number", "child"] { #expect(place.isAlive(try place.file(name)) == false, "\(name)") }
  }

  /// A child that holds standard error open must not keep an ended job from being over.
  @Test func whatAJobStartedEndsWithIt() throws {
    let place = try Place("sleep 1000 & echo $! > $PLACE/child; wait", "cron: '0 0 1 1 *', timeout: 1 s")
    #expect(place.scheduler.runNow(place.jobs[0], stop: StopSignal()).outcome == .timedOut)
    #expect(place.isAlive(try place.file("child")) == false)
  }

  @Test func theStopEndsRunningJobsAndIsNoted() throws {
    // Due an hour ago, and made up for: it begins at once.
    let place = try Place(
      "echo $$ > $PLACE/number; exec sleep 1000", "cron: '0 * * * *', catch_up: true, retries: 3, retry_delay: 0 s")
    let hour = Date().timeIntervalSince1970 - 7_200
    try ScheduleHistory(place.lake).add(
      .init(
        job: "it", command: "", due: hour, attempt: 1, span: hour...(hour + 1), outcome: .succeeded, exitCode: 0,
        error: nil))
    let stop = StopSignal()
    place.scheduler.start(stop: stop)
    let number = try place.file("number")
    #expect(place.isAlive(number))
    stop.stop()
    place.scheduler.wait()
    #expect(!place.isAlive(number))
    #expect(place.events.entries.withLock { $0.map(\.outcome) } == [.stopped], "no retry follows")
    let rows = try Database().connect().query(
      "SELECT outcome FROM \(DeltaReader.scanSQL(try place.lake.table(named: "schedule_history").snapshot())) ORDER BY due"
    ).rows()
    #expect(rows.map { $0[0].stringValue } == ["succeeded", "stopped"])
  }

  @Test func aStopBeforeTheStartAndDuringAPauseIsHeard() throws {
    let place = try Place("echo x >> $PLACE/times; exit 7", "cron: '0 0 1 1 *', retries: 3, retry_delay: 1 h")
    let stop = StopSignal()
    let waiting = Thread { [events = place.events] in
      while events.entries.withLock({ $0.isEmpty }) { Thread.sleep(forTimeInterval: 0.02) }
      stop.stop()
    }
    waiting.start()
    let entry = place.scheduler.runNow(place.jobs[0], stop: stop)
    #expect(entry.outcome == .failed && entry.exitCode == 7 && entry.attempt == 1)
    let hanging = try Place("exec sleep 1000", "cron: '0 0 1 1 *', timeout: 1 h")
    #expect(hanging.scheduler.runNow(hanging.jobs[0], stop: stop).outcome == .stopped)
  }
}
