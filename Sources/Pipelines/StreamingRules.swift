/// What a streaming table may say: only what gives the same rows however the stream is cut into micro-batches.
enum StreamingRules {
  static func check(_ definition: SQLScript.Definition, _ problems: ProblemList) {
    let table = definition.table
    let streams = table.references.filter(\.isStream)
    if streams.isEmpty {
      problems.add(
        at: definition.namePlace, "the streaming table '\(table.name)' reads no stream",
        remedy: "write FROM STREAM(…), or make it a materialized view")
    } else if streams.count > 1 {
      let second = zip(table.references, definition.query.places).filter { $0.0.isStream }[1].1
      problems.add(
        at: second, "the streaming table '\(table.name)' reads a second stream",
        remedy: "read one stream; join streams in a materialized view")
    }
    for finding in stateful(definition.query.tokens) {
      problems.add(
        at: definition.query.source.location(finding.offset),
        "\(finding.what) in a streaming table would depend on how the stream is cut into micro-batches",
        remedy: finding.remedy)
    }
  }

  private static func stateful(_ tokens: ArraySlice<SQLToken>) -> [(what: String, offset: Int, remedy: String)] {
    var findings: [(what: String, offset: Int, remedy: String)] = []
    let toView = "move it to a materialized view"
    for index in tokens.indices where tokens[index].kind == .word {
      let next = index + 1 < tokens.endIndex ? tokens[index + 1] : nil
      let before = index > tokens.startIndex ? tokens[index - 1] : nil
      let offset = tokens[index].range.lowerBound
      switch tokens[index].upper {
      case "GROUP" where next?.isWord("BY") ?? false: findings.append(("GROUP BY", offset, toView))
      case "ORDER" where next?.isWord("BY") ?? false: findings.append(("ORDER BY", offset, toView))
      case "OVER" where next?.isSymbol("(") ?? false: findings.append(("a window function", offset, toView))
      case "HAVING", "QUALIFY": findings.append((tokens[index].upper, offset, toView))
      case "LIMIT" where next?.kind == .number: findings.append(("LIMIT", offset, toView))
      case "DISTINCT" where before?.isWord("SELECT") ?? false:
        findings.append(("SELECT DISTINCT", offset, "use 'deduplicate' in pipeline.yml"))
      case "COUNT", "SUM", "AVG", "MIN", "MAX", "COLLECT_LIST", "COLLECT_SET", "STDDEV", "VARIANCE", "PERCENTILE":
        if next?.isSymbol("(") ?? false { findings.append(("the aggregate \(tokens[index].upper)", offset, toView)) }
      default: break
      }
    }
    findings += MomentaryValues.find(in: tokens).map {
      ($0.upper, $0.range.lowerBound, "use _ingest_time, which is fixed when the record arrives")
    }
    return findings.sorted { $0.offset < $1.offset }
  }
}
