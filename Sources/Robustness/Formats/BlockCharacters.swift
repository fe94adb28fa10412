/// Charts of block characters, for terminals.
package enum BlockCharacters {
  /// A bar of `share` of the width, to an eighth of a character; a share that is no number has none.
  package static func bar(_ share: Double, width: Int) -> String {
    guard share.isFinite else { return "" }
    let eighths = Int((min(max(share, 0), 1) * Double(width * 8)).rounded())
    let rest = eighths % 8
    return String(repeating: "█", count: eighths / 8) + (rest == 0 ? "" : String(parts[rest - 1]))
  }

  /// A column for each share of 1, eight steps high; a space for what is no number.
  package static func columns(_ shares: some Sequence<Double>) -> String {
    String(shares.map { $0.isFinite ? heights[min(max(Int($0 * 8), 0), 7)] : " " })
  }

  private static let parts = Array("▏▎▍▌▋▊▉")
  private static let heights = Array("▁▂▃▄▅▆▇█")
}
