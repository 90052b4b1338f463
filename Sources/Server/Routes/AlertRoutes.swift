enum AlertRoutes {
  static func endpoints(_ context: ServerContext) -> [Endpoint] { [] }
}
