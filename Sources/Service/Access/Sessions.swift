import Files
import Jobs
import Synchronization

/// What `POST /v1/session` gave to pages: cookies in place of tokens. They are kept in memory; after a restart a page asks for its token
/// again.
final class Sessions: Sendable {
  private struct Session {
    let token: String
    let expiresAt: Timestamp
  }

  static let cookie = "temper_session"
  static let seconds = 12 * 3600
  /// Beyond so many the oldest ends.
  private static let most = 10_000

  /// By the digest of the cookie.
  private let open = Mutex<[String: Session]>([:])

  /// - Returns: the cookie's value.
  func begin(with token: Token, at now: Timestamp = .now) -> String {
    var generator = SystemRandomNumberGenerator()
    let secret = (0..<4).map { _ in String(generator.next(), radix: 36) }.joined(separator: "-")
    let session = Session(token: token.id, expiresAt: now.advanced(bySeconds: Double(Self.seconds)))
    open.withLock { open in
      open = open.filter { $0.value.expiresAt > now }
      if open.count >= Self.most, let oldest = open.min(by: { $0.value.expiresAt < $1.value.expiresAt }) { open[oldest.key] = nil }
      open[Token.digest(of: secret)] = session
    }
    return secret
  }

  /// The id of the token that the cookie stands for.
  func token(of secret: String, at now: Timestamp = .now) -> String? {
    open.withLock { $0[Token.digest(of: secret)] }.flatMap { $0.expiresAt > now ? $0.token : nil }
  }

  func end(_ secret: String) { open.withLock { $0[Token.digest(of: secret)] = nil } }
}
