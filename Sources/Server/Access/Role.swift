/// What a route asks of whoever calls it.
public enum Permission: String, Sendable, Hashable, CaseIterable {
  /// Names, schemas, versions and sizes of tables; models; metrics; pages and events without patients.
  case catalog
  /// Predictions for records that the caller brings.
  case predict
  /// Single patients: lists, vitals, scores, alerts, previews of tables, pages and events with patients.
  case patients
  /// Acting on alerts.
  case alerts
  /// SQL over the lake.
  case query
  /// Sending records into pipelines.
  case ingest
  /// The audit log.
  case audit
}

/// Who may do what. Roles do not follow from each other; every one is the list of its permissions.
public enum Role: String, Sendable, Hashable, CaseIterable {
  /// Looks at how the lake is, never at a patient.
  case viewer
  /// Works on a ward.
  case clinician
  /// Works on data.
  case analyst
  /// A machine that sends records and does nothing else.
  case device
  /// May do everything.
  case admin

  /// What the role may do.
  public var permissions: Set<Permission> {
    switch self {
    case .viewer: [.catalog]
    case .clinician: [.catalog, .predict, .patients, .alerts]
    case .analyst: [.catalog, .predict, .patients, .query]
    case .device: [.ingest]
    case .admin: Set(Permission.allCases)
    }
  }
}

/// Who calls.
public struct Principal: Sendable, Hashable {
  /// The name for the audit log: a token's name, or `local`.
  public let name: String
  /// What the caller may do.
  public let role: Role

  /// A caller.
  public init(name: String, role: Role) {
    self.name = name
    self.role = role
  }

  /// Whoever sits at the machine, when no tokens are configured.
  public static let local = Principal(name: "local", role: .admin)

  /// Whether the caller may do it.
  public func may(_ permission: Permission) -> Bool { role.permissions.contains(permission) }
}
