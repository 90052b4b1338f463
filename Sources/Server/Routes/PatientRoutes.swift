enum PatientRoutes {
  static func endpoints(_ context: ServerContext) -> [Endpoint] { [] }
}
