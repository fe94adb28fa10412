import Files
import Foundation
import Testing

@Suite struct SHA256DigestTests {
  @Test(
    "the examples of FIPS 180-4 and of RFC 6234 come out as published",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func publishedVectors(text: String, digest: String) {
    #expect(SHA256Digest.hex(of: Data(text.utf8)) == digest)
  }

  @Test("a million letters in uneven pieces give the published digest")
  func pieces() {
    let digest = SHA256Digest()
    var left = 1_000_000
    var piece = 1
    while left > 0 {
      let count = min(piece, left)
      digest.update([UInt8](repeating: UInt8(ascii: "a"), count: count))
      left -= count
      piece = piece * 3 + 1
    }
    #expect(digest.finishHex() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test("the digest of a file is that of its bytes, and a file that is not there is told by its name only")
  func file() throws {
    let folder = try TestFolder()
    let bytes = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let url = folder.url.appendingPathComponent("large")
    try Data(bytes).write(to: url)
    #expect(try SHA256Digest.hex(ofFile: url) == SHA256Digest.hex(of: bytes))

    let error = #expect(throws: StorageError.self) { try SHA256Digest.hex(ofFile: folder.url.appendingPathComponent("absent")) }
    #expect(error?.description.hasPrefix("absent cannot be opened") == true)
    #expect(error?.code == ENOENT)
    #expect(error.map { !$0.description.contains("/") } == true)
  }
}
