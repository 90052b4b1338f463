/// Finds where a query asks a model.
enum ModelCalls {
  struct Call: Hashable {
    /// The function's name up to the model's: `predict`, `anomaly`, `explain`; nil for questions about the model itself.
    var function: String?
    /// The model's name.
    var model: String
    /// The number of arguments, one per feature; nil for questions about the model itself.
    var arguments: Int?
    /// The call's first byte.
    var offset: Int
  }

  /// Calls of `predict_NAME(…)`, `anomaly_NAME(…)`, `explain_NAME(…)`, `model_version('NAME')` and
  /// `model_threshold('NAME')`.
  static func find(in tokens: ArraySlice<SQLToken>) -> [Call] {
    tokens.indices.compactMap { index in
      let token = tokens[index]
      guard token.isName, index + 1 < tokens.endIndex, tokens[index + 1].isSymbol("(") else { return nil }
      let name = token.text.lowercased()
      for function in ["predict", "anomaly", "explain"] where name.hasPrefix(function + "_") {
        return Call(
          function: function, model: String(token.text.dropFirst(function.count + 1)),
          arguments: arguments(of: tokens, after: index + 1), offset: token.range.lowerBound)
      }
      if name == "model_version" || name == "model_threshold", index + 2 < tokens.endIndex,
        tokens[index + 2].kind == .string
      {
        return Call(
          function: nil, model: tokens[index + 2].text, arguments: nil, offset: token.range.lowerBound)
      }
      return nil
    }
  }

  private static func arguments(of tokens: ArraySlice<SQLToken>, after open: Int) -> Int {
    var depth = 0
    var commas = 0
    for index in open..<tokens.endIndex {
      if tokens[index].isSymbol("(") { depth += 1 }
      if tokens[index].isSymbol(",") && depth == 1 { commas += 1 }
      if tokens[index].isSymbol(")") {
        depth -= 1
        if depth == 0 { return index == open + 1 ? 0 : commas + 1 }
      }
    }
    return commas + 1
  }
}
