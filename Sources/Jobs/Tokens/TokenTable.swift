import Synchronization

/// The tokens in memory, so that a request need not ask the database.
final class TokenTable: Sendable {
  private struct State {
    /// By the digest of their secrets.
    var tokens: [String: Token] = [:]
    /// There was a token since the process began, or a repair may have lost some.
    var needsTokens = false
  }

  private let state = Mutex(State())

  /// Whether requests need a token. Once they do, they do until the service is started anew without any: revoking the last token opens
  /// nothing, and a repair that may have lost tokens neither.
  var needsTokens: Bool { state.withLock { $0.needsTokens } }

  /// - Parameter isClosed: whether requests need a token although none of these may be there.
  func load(_ tokens: [Token], isClosed: Bool) {
    state.withLock { state in
      state.tokens = Dictionary(tokens.map { ($0.sha256, $0) }) { first, _ in first }
      state.needsTokens = state.needsTokens || !tokens.isEmpty || isClosed
    }
  }

  func add(_ token: Token) {
    state.withLock { state in
      state.tokens[token.sha256] = token
      state.needsTokens = true
    }
  }

  func remove(_ id: String) { state.withLock { state in state.tokens = state.tokens.filter { $0.value.id != id } } }

  func token(id: String) -> Token? { state.withLock { state in state.tokens.values.first { $0.id == id } } }

  /// What is looked up is the digest of what the client sent: how long that takes says nothing of the secrets. The comparison of the digests
  /// takes the same time wherever they differ.
  func token(withDigest digest: String) -> Token? {
    let found = state.withLock { $0.tokens[digest] }
    guard let found, Self.isSame(found.sha256, digest) else { return nil }
    return found
  }

  private static func isSame(_ one: String, _ other: String) -> Bool {
    let (one, other) = (Array(one.utf8), Array(other.utf8))
    guard one.count == other.count else { return false }
    return zip(one, other).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
