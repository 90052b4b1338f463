/// One page of the dashboard: panels, each a query and how to draw it, or a built-in view.
///
/// A page is a YAML file in the folder `dashboards`; its file name is its address. Encoded as JSON it is what a browser
/// gets (the SQL stays on the server, except where a page of the console needs none).
public struct Page: Sendable, Hashable, Encodable {
  /// The file's name without `.yml`: `/pages/NAME`.
  public var name: String
  /// The heading and the word in the navigation.
  public var title: String
  /// One sentence below the heading.
  public var summary: String?
  /// Place in the navigation, the smallest first; the first page is the start page.
  public var order: Int
  /// Whether panels show single patients, so that reading them is written to the audit log.
  public var showsPatients: Bool
  /// Seconds after which every panel is read again; nil: only on events.
  public var refreshSeconds: Double?
  /// Tables whose commits refresh the page.
  public var refreshTables: [String]
  /// What a reader may choose; panels read the choice with `getvariable('NAME')`.
  public var parameters: [PageParameter]
  /// The panels in reading order.
  public var panels: [Panel]

  /// A page from its parts.
  public init(
    name: String, title: String, summary: String? = nil, order: Int = 100, showsPatients: Bool = false,
    refreshSeconds: Double? = nil, refreshTables: [String] = [], parameters: [PageParameter] = [], panels: [Panel] = []
  ) {
    self.name = name
    self.title = title
    self.summary = summary
    self.order = order
    self.showsPatients = showsPatients
    self.refreshSeconds = refreshSeconds
    self.refreshTables = refreshTables
    self.parameters = parameters
    self.panels = panels
  }

  /// The panel of that id.
  public func panel(_ id: String) -> Panel? { panels.first { $0.id == id } }

  private enum CodingKeys: String, CodingKey {
    case name, title, order, parameters, panels
    case summary = "description"
    case showsPatients = "shows_patients"
    case refreshSeconds = "refresh_seconds"
    case refreshTables = "refresh_on"
  }
}

/// Something that a reader of a page may choose.
public struct PageParameter: Sendable, Hashable, Encodable {
  /// Its name in the address and in `getvariable('NAME')`.
  public var name: String
  /// Its label.
  public var title: String
  /// The value before anything is chosen; empty unless given.
  public var `default`: String
  /// The values to choose from; nil: any text.
  public var options: [String]?

  /// A parameter from its parts.
  public init(name: String, title: String, default: String = "", options: [String]? = nil) {
    self.name = name
    self.title = title
    self.default = `default`
    self.options = options
  }

  /// Whether a reader may give this value.
  public func allows(_ value: String) -> Bool {
    value.utf8.count <= 200 && (options.map { $0.contains(value) } ?? true)
  }
}

/// One panel of a page.
public struct Panel: Sendable, Hashable, Encodable {
  /// How the rows of a panel's query are drawn.
  public enum Chart: String, Sendable, Hashable, CaseIterable, Encodable {
    /// One number: the first column of the first row.
    case stat
    /// A grid whose columns sort.
    case table
    /// Lines over `x`.
    case line
    /// Stacked areas over `x`.
    case area
    /// Bars over `x`.
    case bar
    /// Shares: `x` names them, `y` is their size.
    case pie
    /// Points.
    case scatter
    /// How often values of `x` occur.
    case histogram
    /// `y` as colour over `x` and `by`.
    case heatmap
    /// Flows of size `y` from `x` to `by`.
    case sankey
    /// Two sides: `x` in rows, `y` as length, `by` tells the side.
    case pyramid
    /// Rates `y[0]` over denominators `x`, with the control limits `y[1]…`.
    case funnel
    /// Contributions `y` of `x` that add up.
    case waterfall
  }

  /// A panel that is more than one query.
  public enum View: String, Sendable, Hashable, CaseIterable, Encodable {
    /// One card per patient, by risk, live.
    case ward
    /// Alerts that wait for somebody.
    case alerts
    /// A form for one record of `model`.
    case prediction
    /// The SQL console.
    case sql
  }

  /// Unique on its page; a part of the address of its data.
  public var id: String
  /// The heading.
  public var title: String
  /// One sentence below the heading: what is counted, with unit.
  public var summary: String?
  /// How rows are drawn; nil for a view.
  public var chart: Chart?
  /// The built-in view; nil for a chart.
  public var view: View?
  /// The query in DuckDB's SQL over the lake's tables; nil for a view.
  public var sql: String?
  /// The column along the first axis.
  public var x: String?
  /// The columns of values.
  public var y: [String]
  /// The column whose values divide the rows into series.
  public var by: String?
  /// The column that names a point.
  public var label: String?
  /// The column that says which points of a line are marked.
  public var flag: String?
  /// The page's parameter that a click on a part of the chart sets, to what the part is called.
  public var choose: String?
  /// Whether its rows are single patients: only roles that may see patients get the panel.
  public var showsPatients: Bool
  /// Columns whose words are levels of risk or severity, shown as badges.
  public var levels: [String]
  /// The unit of the values; for a `stat` also `percent`, `bytes`, `seconds`, `ago`, `count`.
  public var unit: String?
  /// Whether bars of a series stand on each other.
  public var stacked: Bool
  /// Whether bars lie.
  public var horizontal: Bool
  /// Whether the chart is half as tall again.
  public var tall: Bool
  /// Columns of a grid of twelve: 3, 4, 6, 8 or 12.
  public var width: Int
  /// The model of a `prediction`.
  public var model: String?
  /// The values that a `prediction` form begins with, by feature.
  public var example: [String: String]
  /// What to say when there are no rows.
  public var empty: String?

  /// The SQL stays on the server.
  private enum CodingKeys: String, CodingKey {
    case id, title, chart, view, x, y, by, label, flag, choose, levels, unit, stacked, horizontal, tall, width, model,
      example, empty
    case summary = "description"
    case showsPatients = "shows_patients"
  }

  /// A panel from its parts.
  public init(
    id: String, title: String, summary: String? = nil, chart: Chart? = nil, view: View? = nil, sql: String? = nil,
    x: String? = nil, y: [String] = [], by: String? = nil, label: String? = nil, flag: String? = nil,
    choose: String? = nil, showsPatients: Bool = false, levels: [String] = [],
    unit: String? = nil, stacked: Bool = false, horizontal: Bool = false, tall: Bool = false, width: Int = 12,
    model: String? = nil, example: [String: String] = [:], empty: String? = nil
  ) {
    self.id = id
    self.title = title
    self.summary = summary
    self.chart = chart
    self.view = view
    self.sql = sql
    self.x = x
    self.y = y
    self.by = by
    self.label = label
    self.flag = flag
    self.choose = choose
    self.showsPatients = showsPatients
    self.levels = levels
    self.unit = unit
    self.stacked = stacked
    self.horizontal = horizontal
    self.tall = tall
    self.width = width
    self.model = model
    self.example = example
    self.empty = empty
  }
}
