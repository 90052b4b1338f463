internal import Pipelines

/// Compares policies with the tables of their pipeline and with each other.
struct PolicyCheck {
  let pipeline: Pipeline
  let problems: ProblemList

  func check(_ policies: [AlertPolicy], suppressed: [PolicyParts.Suppression]) {
    let names = Set(policies.map(\.name))
    for suppression in suppressed {
      for name in suppression.policies where !names.contains(name) {
        problems.add(at: suppression.location, "there is no policy '\(name)' to suppress", remedy: known(names))
      }
    }
    for policy in policies {
      for name in policy.covers where !names.contains(name) || name == policy.name {
        problems.add(
          at: policy.location, "\(policy.name) covers '\(name)', which is no other policy", remedy: known(names))
      }
      checkTable(policy)
    }
  }

  private func checkTable(_ policy: AlertPolicy) {
    if policy.isAboutModels { return checkModels(policy) }
    guard let table = pipeline.table(named: policy.table), table.kind != .temporary else {
      let tables = pipeline.tables.filter { $0.kind != .temporary }.map(\.name)
      problems.add(
        at: policy.location, "\(policy.name) is on '\(policy.table)', which is no table of the pipeline",
        remedy: "known here: \(tables.joined(separator: ", "))")
      return
    }
    if case .missing = policy.trigger, table.kind != .streaming {
      problems.add(
        at: policy.location, "\(policy.name) waits for missing rows of a view", remedy: "name a streaming table")
    }
    guard let columns = table.columns.map({ Set($0.map { $0.lowercased() }) }) else { return }
    var needed = [policy.patient] + policy.show + (policy.ward.map { [$0] } ?? [])
    // A view is judged as a whole: its moment is that of its refresh.
    if table.kind == .streaming { needed.append(policy.time) }
    if table.kind == .streaming, RowLender(to: policy, in: pipeline) == nil { needed += ["partition", "offset"] }
    for column in needed where !columns.contains(column.lowercased()) {
      let reason =
        column == "partition" || column == "offset"
        ? "read it from a table that has both, with the same columns of patient and time; or add _\(column) AS \"\(column)\" to its SELECT (or \"\(column)\" of the table before it)"
        : "known here: \((table.columns ?? []).joined(separator: ", "))"
      problems.add(
        at: policy.location, "\(policy.name) needs the column '\(column)', which \(table.name) does not have",
        remedy: reason)
    }
  }

  private func checkModels(_ policy: AlertPolicy) {
    if !ModelPolicies.concern(pipeline) {
      problems.add(
        at: policy.location, "\(policy.name) is about models, and the pipeline has none",
        remedy: "name a table of the pipeline")
    }
    if case .missing = policy.trigger {
      problems.add(
        at: policy.location, "\(policy.name) waits for missing rows of \(policy.table)", remedy: "write a condition")
    }
    for column in policy.show where !ModelPolicies.columns.contains(column.lowercased()) {
      problems.add(
        at: policy.location, "\(policy.name) needs the column '\(column)', which \(policy.table) does not have",
        remedy: known(Set(ModelPolicies.columns)))
    }
  }

  private func known(_ names: Set<String>) -> String { "known here: \(names.sorted().joined(separator: ", "))" }
}
