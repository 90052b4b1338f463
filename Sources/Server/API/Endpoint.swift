public import HTTP

/// One route: where it is, who may call it, what it takes and gives, and what it does.
///
/// The OpenAPI document and the page `/docs` are made of these declarations, and requests are checked against them, so
/// that what is described and what is done cannot drift apart.
public struct Endpoint: Sendable {
  /// A field of the query or a part of the path.
  public struct Parameter: Sendable {
    /// What values it takes.
    public enum Kind: Sendable {
      /// Text of at most so many characters.
      case text(longest: Int)
      /// A whole number.
      case integer(ClosedRange<Int>)
      /// One of these words.
      case word([String])
      /// Some of these words, separated by commas.
      case words([String])
      /// `true` or `false`.
      case flag
    }

    /// Its name.
    public var name: String
    /// What values it takes.
    public var kind: Kind
    /// One line for people.
    public var summary: String
    /// The value if none is given; nil: the parameter is left out.
    public var standard: String?

    /// A parameter.
    public init(_ name: String, _ kind: Kind, _ summary: String, default standard: String? = nil) {
      self.name = name
      self.kind = kind
      self.summary = summary
      self.standard = standard
    }
  }

  /// A body that is taken.
  public struct Body: Sendable {
    /// Media types with the schema of each.
    public var contents: [(mediaType: String, schema: Schema)]
    /// The most bytes.
    public var limit: Int
    /// An example, as JSON text.
    public var example: String?
    /// Whether there must be one.
    public var isRequired: Bool

    /// A body of these media types.
    public init(
      _ contents: [(mediaType: String, schema: Schema)], limit: Int = 1 << 20, example: String? = nil,
      isRequired: Bool = true
    ) {
      self.contents = contents
      self.limit = limit
      self.example = example
      self.isRequired = isRequired
    }

    /// A JSON body.
    public static func json(_ schema: Schema, limit: Int = 1 << 20, example: String? = nil, isRequired: Bool = true)
      -> Body
    {
      Body([("application/json", schema)], limit: limit, example: example, isRequired: isRequired)
    }
  }

  /// An answer that may come.
  public struct Answer: Sendable {
    /// Status.
    public var status: Int
    /// One line for people.
    public var summary: String
    /// Media types with their schemas.
    public var contents: [(mediaType: String, schema: Schema)]

    /// An answer with JSON.
    public init(_ status: Int = 200, _ summary: String, _ schema: Schema) {
      self.init(status, summary, [("application/json", schema)])
    }

    /// An answer of these media types.
    public init(_ status: Int, _ summary: String, _ contents: [(mediaType: String, schema: Schema)] = []) {
      self.status = status
      self.summary = summary
      self.contents = contents
    }
  }

  /// What the audit log says about a call.
  public enum Audit: Sendable {
    /// Nothing: no patient is touched.
    case none
    /// Something of patients was read; written soon.
    case read(String)
    /// Something of patients was changed; durable before the answer goes out.
    case change(String)

    /// The word for what was done; nil: nothing is noted.
    var action: String? {
      switch self {
      case .none: nil
      case .read(let word), .change(let word): word
      }
    }
    /// Whether something is changed; nil: nothing is noted.
    var isChange: Bool? {
      switch self {
      case .none: nil
      case .read: false
      case .change: true
      }
    }
  }

  /// Method.
  public var method: HTTPMethod
  /// Path pattern.
  public var path: String
  /// The group in the documentation.
  public var group: String
  /// One line for people.
  public var summary: String
  /// More for people.
  public var details = ""
  /// What it asks of the caller; nil: nothing.
  public var permission: Permission?
  /// Parts of the path and fields of the query.
  public var parameters: [Parameter] = []
  /// The body that it takes.
  public var body: Body?
  /// The answers that are its own; problems of every route are added.
  public var answers: [Answer]
  /// Statuses of problems that are its own.
  public var problems: [Int] = []
  /// What the audit log says.
  public var audit = Audit.none
  /// Whether it takes microseconds and never waits.
  public var isQuick = false
  /// Whether the documentation leaves it out.
  public var isHidden = false
  /// Answers.
  public var handle: @Sendable (Call) throws -> ServerResponse

  /// A route.
  public init(
    _ method: HTTPMethod, _ path: String, group: String, _ summary: String, needs permission: Permission?,
    answers: [Answer], handle: @escaping @Sendable (Call) throws -> ServerResponse
  ) {
    self.method = method
    self.path = path
    self.group = group
    self.summary = summary
    self.permission = permission
    self.answers = answers
    self.handle = handle
  }

  /// The route, changed by `change`.
  public func with(_ change: (inout Endpoint) -> Void) -> Endpoint {
    var copy = self
    change(&copy)
    return copy
  }
}

/// One request on its way through its route.
public struct Call: Sendable {
  /// The whole request.
  public let request: ServerRequest
  /// Decoded parts of the path.
  public let path: [String: String]
  /// Fields of the query, checked; defaults are filled in.
  public let query: [String: String]
  /// Who calls.
  public let principal: Principal
  /// Whether the caller's token is still good; for answers that go on.
  public let isStillKnown: @Sendable () -> Bool
  /// What the audit log will say.
  public let trail: AuditTrail

  /// A whole number of the query, which its declaration has checked.
  public func integer(_ name: String) -> Int? { query[name].flatMap { Int($0) } }

  /// Words of the query, which its declaration has checked.
  public func words(_ name: String) -> [String]? {
    query[name].map { $0.split(separator: ",").map(String.init) }
  }
}
