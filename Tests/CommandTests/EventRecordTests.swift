import Testing
import temper

@Suite("Records of TensorBoard") struct EventRecordTests {
  @Test("checksums are those of RFC 3720, masked") func checksums() {
    // Appendix B.4 has the checksums of 32 zeros, of 32 ones and of 0 to 31.
    for (bytes, sum) in [
      ([UInt8](repeating: 0, count: 32), UInt32(0x8A91_36AA)), ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
      (Array(0..<32), 0x46DD_794E),
    ] {
      #expect(MaskedChecksum.of(bytes) == (sum >> 15 | sum << 17) &+ 0xA282_EAD8)
    }
  }

  @Test("the first record names the version, a further one has step, time and values") func records() {
    let first = EventRecord(versionAt: 1).bytes
    #expect(Array(first[12..<21]) == [0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
    #expect(String(decoding: first[23..<36], as: UTF8.self) == "brain.Event:2" && first.count == 12 + 24 + 4)
    let second = EventRecord(step: 300, at: 1, [("a", 0.5)]).bytes
    // The step, a variable-length integer; the summary; its value; the tag; the number.
    #expect(Array(second[21..<24]) == [0x10, 0xAC, 0x02])
    #expect(Array(second[24...].prefix(12)) == [0x2A, 10, 0x0A, 8, 0x0A, 1, 0x61, 0x15, 0, 0, 0, 0x3F])
  }
}
