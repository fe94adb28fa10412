import Foundation

/// The numbers that `Tests/Peers/reference.py` computes too, to the bit: whole numbers up to one last product in single precision.
enum Noise {
  /// 24 random bits of one element of a stream (the finaliser is Wellons' lowbias32).
  static func bits(_ stream: Int, _ element: Int) -> UInt32 {
    var h = UInt32(stream) &* 0x9E37_79B9 &+ UInt32(element) &* 0x85EB_CA6B
    h ^= h >> 16
    h &*= 0x7FEB_352D
    h ^= h >> 15
    h &*= 0x846C_A68B
    h ^= h >> 16
    return h >> 8
  }

  /// In [0, 1).
  static func unsigned(_ stream: Int, count: Int) -> [Float] { (0..<count).map { Float(bits(stream, $0)) * 0x1p-24 } }

  /// In [−1, 1).
  static func signed(_ stream: Int, count: Int) -> [Float] { (0..<count).map { Float(Int32(bits(stream, $0)) - 1 << 23) * 0x1p-23 } }
}
