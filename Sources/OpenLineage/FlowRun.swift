/// One run of a job, from START over RUNNING to its end. Pure: clock and UUIDs are given.
public struct FlowRun: Sendable {
  /// The run's UUID.
  public let id: String
  /// The run that this one is a part of.
  public var parent: (runId: String, job: String)?
  private let job: LineageJob
  private var figures = LineageFigures()
  private var hasFigures = false

  /// A run that has not begun.
  public init(_ job: LineageJob, id: String, parent: (runId: String, job: String)? = nil) {
    self.job = job
    self.id = id
    self.parent = parent
  }

  /// Adds what was done.
  public mutating func add(_ more: LineageFigures) {
    hasFigures = true
    func sum(_ one: Int64?, _ other: Int64?) -> Int64? { one == nil && other == nil ? nil : (one ?? 0) + (other ?? 0) }
    figures.rowsRead = sum(figures.rowsRead, more.rowsRead)
    figures.rowsWritten = sum(figures.rowsWritten, more.rowsWritten)
    figures.bytesWritten = sum(figures.bytesWritten, more.bytesWritten)
    figures.filesWritten = sum(figures.filesWritten, more.filesWritten)
    for assertion in more.assertions {
      if let index = figures.assertions.firstIndex(where: { $0.name == assertion.name }) {
        figures.assertions[index].checked += assertion.checked
        figures.assertions[index].failed += assertion.failed
      } else {
        figures.assertions.append(assertion)
      }
    }
  }

  /// Whether there is anything to say since the event before.
  public var hasNews: Bool { hasFigures }

  /// The next event. What was done since the one before goes with it and is forgotten, so that figures add up over a run.
  /// - Parameter flow: The job's datasets as they are now; nil if they are not known.
  public mutating func event(
    _ kind: LineageEvent.Kind, at time: String, flow: LineageBook.Flow? = nil, error: String? = nil
  ) -> LineageEvent {
    var event = LineageEvent(kind, at: time, runId: id, job: flow?.job ?? job)
    event.parent = parent
    event.error = error
    if let flow {
      event.inputs = flow.inputs
      event.outputs = [(flow.output, flow.columns)]
    }
    event.figures = figures
    figures = LineageFigures()
    hasFigures = false
    return event
  }
}
