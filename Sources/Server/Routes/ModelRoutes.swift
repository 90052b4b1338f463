enum ModelRoutes {
  static func endpoints(_ context: ServerContext) -> [Endpoint] { [] }
}
