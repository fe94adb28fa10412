/// A request to another server.
package struct WebRequest: Sendable {
  package enum Body: Sendable {
    case bytes([UInt8])
    /// The path of a file, which is read as it is sent.
    case file(String)
    /// The parts of a form, `multipart/form-data` (RFC 7578): the path of a file under each name.
    case form([(name: String, file: String)])
  }

  package var method: String
  /// `http` or `https`.
  package var url: String
  package var headers: [(name: String, value: String)] = []
  package var body: Body?
  package var trust = WebTrust()
  /// The seconds without a byte from the other side after which it fails.
  package var idleSeconds = 60
  /// The seconds after which it fails however well it goes; nil: none.
  package var mostSeconds: Int?
  /// Whether an address may be connected to, asked of the very address that is connected to; nil: any, a proxy of the environment too.
  package var allows: (@Sendable (SocketAddress) -> Bool)?

  package init(_ method: String, _ url: String) {
    self.method = method
    self.url = url
  }
}

/// Which certificates are trusted, and which one is shown. Paths of files of PEM.
package struct WebTrust: Sendable {
  /// Of the authorities; nil: those of the system.
  package var authorities: String?
  package var certificate: String?
  package var key: String?

  package init(authorities: String? = nil, certificate: String? = nil, key: String? = nil) {
    self.authorities = authorities
    self.certificate = certificate
    self.key = key
  }
}

/// The head of an answer of another server.
package struct WebHead: Sendable {
  package let status: Int
  package let headers: WebHeaders
}

/// Header fields by name; case does not matter. Of a field that comes several times, the last.
package struct WebHeaders: Sendable {
  private var fields: [String: String] = [:]

  package init() {}

  package subscript(_ name: String) -> String? {
    get { fields[ASCII.lowercased(name)] }
    set { fields[ASCII.lowercased(name)] = newValue }
  }
}

/// Why there is no answer, or no whole one.
package struct WebFailure: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Kind: Hashable, Sendable {
    case unknownHost, cannotConnect, timedOut, connectionLost
    /// The certificate of the other side, or our own, is not accepted.
    case untrusted
    /// No address of the host may be connected to.
    case forbiddenAddress
    case malformedURL
    /// A file of the request cannot be read.
    case unreadableFile
    case other
  }

  package let kind: Kind
  package let description: String

  package init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}
