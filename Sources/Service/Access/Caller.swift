import Jobs

/// Who makes a request.
struct Caller: Sendable {
  let viewer: Viewer
  let role: Role
  /// `nil` when no token is needed.
  let token: Token?

  /// As long as there are no tokens, whoever reaches the service may do everything.
  static let anybody = Caller(viewer: .all, role: .admin, token: nil)
}
