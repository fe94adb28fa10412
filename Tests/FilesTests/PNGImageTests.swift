import Files
import Foundation
import Testing

@Suite("Pictures as PNG") struct PNGImageTests {
  /// A reader by the standard alone: chunks with their checksums, and rows without filters.
  private static let reader = """
    import struct, sys, zlib
    data = open(sys.argv[1], "rb").read()
    assert data[:8] == b"\\x89PNG\\r\\n\\x1a\\n"
    place, kinds, packed = 8, [], b""
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place:place + 8])
        body = data[place + 8:place + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[place + 8 + length:place + 12 + length])[0]
        kinds.append(kind)
        if kind == b"IHDR": header = struct.unpack(">IIBBBBB", body)
        if kind == b"IDAT": packed += body
        place += 12 + length
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]
    width, height, *rest = header
    assert rest == [8, 2, 0, 0, 0]
    rows = zlib.decompress(packed)
    assert len(rows) == height * (1 + 3 * width)
    print(width, height, *(byte for row in range(height) for byte in rows[row * (1 + 3 * width):(row + 1) * (1 + 3 * width)]))
    """

  @Test("another reader finds the same pixels, and every checksum right") func pixels() throws {
    let (width, height) = (5, 3)
    let pixels = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 * 37) }
    let folder = try TestFolder()
    let file = folder.url.appendingPathComponent("picture.png")
    try Data(PNGImage.encode(pixels, width: width, height: height)).write(to: file)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", Self.reader, file.path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    // Each row begins with its filter, none.
    var expected = [width, height]
    for row in 0..<height {
      expected.append(0)
      for place in row * width * 3..<(row + 1) * width * 3 { expected.append(Int(pixels[place])) }
    }
    #expect(numbers == expected)
  }
}
