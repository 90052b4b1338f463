enum IngestRoutes {
  static func endpoints(_ context: ServerContext) -> [Endpoint] { [] }
}
