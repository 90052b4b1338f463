internal import DuckDB
internal import Lineage
internal import Pipelines
internal import Streaming
internal import Synchronization

/// The catalogue of a server's lake. It is worked out when it is asked for, at most every half minute: tables of which a
/// definition does not tell the columns may come meanwhile.
final class CatalogueCache: Sendable {
  private struct State {
    let connection: Connection
    var catalogue: Catalogue?
    var madeAt = ContinuousClock.now
  }

  private let pipelines: [Pipeline]
  private let lake: Lake
  private let state: Mutex<State>

  init(_ pipelines: [Pipeline], _ lake: Lake) throws {
    self.pipelines = pipelines
    self.lake = lake
    state = Mutex(State(connection: try Database(settings: ["threads": "1", "memory_limit": "64MB"]).connect()))
  }

  var catalogue: Catalogue {
    state.withLock { state in
      if let known = state.catalogue, ContinuousClock.now - state.madeAt < .seconds(30) { return known }
      let made = Catalogue(pipelines, lake: lake, connection: state.connection)
      state.catalogue = made
      state.madeAt = .now
      return made
    }
  }
}
