enum PredictRoutes {
  static func endpoints(_ context: ServerContext) -> [Endpoint] { [] }
}
