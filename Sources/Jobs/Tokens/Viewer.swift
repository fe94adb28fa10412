/// Whose things a call may see, and to whom belongs what it makes.
package struct Viewer: Hashable, Sendable {
  /// `*` sees everything.
  package let owner: String

  package init(owner: String) { self.owner = owner }

  /// The service itself, and whoever reaches it as long as there are no tokens.
  package static let all = Viewer(owner: Token.everyOwner)

  package var seesAll: Bool { owner == Token.everyOwner }
  package func sees(_ other: String) -> Bool { seesAll || other == owner }

  /// Whose the things are that it makes.
  package var maker: String { seesAll ? Store.localOwner : owner }
}
