/// The quantisation tables of JPEG: those of ITU-T T.81, annex K, scaled by a quality from 1 to 100 as libjpeg does (`jpeg_quality_scaling`,
/// jcparam.c).
package struct JPEGTables: Hashable, Sendable {
  /// The step of each coefficient, row by row.
  package let luminance, chrominance: [Int]

  package init(quality: Int) {
    let percent = quality < 50 ? 5_000 / max(quality, 1) : 200 - 2 * quality
    func scaled(_ table: [Int]) -> [Int] { table.map { min(max(($0 * percent + 50) / 100, 1), 255) } }
    luminance = scaled(Self.luminance)
    chrominance = scaled(Self.chrominance)
  }

  /// Table K.1.
  private static let luminance = [
    16, 11, 10, 16, 24, 40, 51, 61,
    12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,
    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
  ]

  /// Table K.2.
  private static let chrominance = [
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
  ]
}
