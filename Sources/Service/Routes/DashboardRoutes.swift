import HTTP

/// The dashboard: a page for people, which uses the same routes as everyone else.
extension Routes {
  var dashboardTable: [Endpoint] {
    let page = Endpoint(
      .get, "/", "getIndex", "The dashboard, a page for browsers; as JSON the routes.", access: .anyone, scope: .service,
      types: ["text/html", "application/json"], atOnce: index, handle: { try index($0) })
    return [page]
      + DashboardFile.parts.map { file in
        Endpoint(
          "/dashboard/\(file.name)",
          "getDashboard" + file.name.split { "-.".contains($0) }.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(),
          "A part of the dashboard.", types: [String(file.type.prefix { $0 != ";" })], atOnce: { try self.page(file, $0) })
      }
  }

  func page(_ file: DashboardFile, _ call: Call) throws -> Response {
    try .representation(
      Array(file.text.utf8), type: file.type, for: call.request,
      headers: [.contentSecurityPolicy: DashboardFile.policy, .referrerPolicy: "no-referrer"])
  }
}
