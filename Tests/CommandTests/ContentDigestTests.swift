import Files
import Foundation
import Testing
import temper

@Suite struct ContentDigestTests {
  private static let bytes = [UInt8](0..<32)
  private static let hex = SHA256Digest.hex(bytes)

  @Test("Repr-Digest is read among other digests") func reprDigestIsReadAmong() {
    let field = ":\(Data(Self.bytes).base64EncodedString()):"
    #expect(ContentDigest.parse(reprDigest: "sha-256=\(field)") == Self.hex)
    #expect(ContentDigest.parse(reprDigest: "sha-512=:AAAA:, sha-256=\(field)") == Self.hex)
    #expect(ContentDigest.parse(reprDigest: "sha-256=:AAAA:") == nil)
    #expect(ContentDigest.parse(reprDigest: "sha-512=\(field)") == nil)
  }

  @Test("only a strong tag of 64 digits is a digest") func onlyAStrongTagOf64() {
    #expect(ContentDigest.parse(entityTag: "\"\(Self.hex)\"") == Self.hex)
    #expect(ContentDigest.parse(entityTag: "W/\"\(Self.hex)\"") == nil)
    #expect(ContentDigest.parse(entityTag: "\"\(Self.hex.dropFirst())\"") == nil)
    #expect(ContentDigest.parse(entityTag: "\"\(Self.hex.dropFirst())x\"") == nil)
  }
}
