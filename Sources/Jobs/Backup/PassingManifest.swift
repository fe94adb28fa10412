import Files

/// Takes the manifest out of an archive that goes by piece by piece, to wherever: it comes first.
package struct PassingManifest: Sendable {
  /// `nil` until it has gone by, and of what is no backup.
  package private(set) var manifest: BackupManifest?
  private var bytes: [UInt8] = []
  /// The bytes from the beginning of the archive to the end of the manifest, as far as they are known; `nil` once nothing more is looked at.
  private var wanted: Int? = headBytes

  package init() {}

  package mutating func take(_ piece: [UInt8]) {
    var rest = piece[...]
    while let count = wanted.map({ $0 - bytes.count }), rest.count >= count {
      bytes += rest.prefix(count)
      rest = rest.dropFirst(count)
      look()
    }
    if wanted != nil { bytes += rest }
  }

  private mutating func look() {
    if bytes.count == Self.headBytes, let size = Self.size(ofEntryIn: bytes) { return wanted = Self.headBytes + size }
    manifest = try? BackupManifest(reading: Array(bytes.dropFirst(Self.headBytes)), of: "the backup")
    (wanted, bytes) = (nil, [])
  }

  /// The header of a tar archive's entry (pax(1), "ustar Interchange Format"): its name, and at 124 its size in octal digits.
  private static let headBytes = 512

  private static func size(ofEntryIn head: [UInt8]) -> Int? {
    guard head.starts(with: Array(BackupManifest.entry.utf8) + [0]) else { return nil }
    let digits = head[124..<136].prefix { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
    return Int(String(decoding: digits, as: UTF8.self), radix: 8).flatMap { $0 > 0 ? $0 : nil }
  }
}
