import Foundation
import Glibc

/// The resources that this process uses.
struct ProcessFigures {
  let residentBytes: Int
  let peakResidentBytes: Int
  let virtualBytes: Int
  let cpuSeconds: Double
  let openFiles: Int

  init() {
    let status = Self.fields(of: "/proc/self/status")
    residentBytes = status["VmRSS"] ?? 0
    peakResidentBytes = status["VmHWM"] ?? 0
    virtualBytes = status["VmSize"] ?? 0
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    cpuSeconds = seconds(usage.ru_utime) + seconds(usage.ru_stime)
    openFiles = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).count
  }

  /// The values of lines like `Name: NUMBER kB`, in bytes.
  private static func fields(of path: String) -> [String: Int] {
    guard let data = FileManager.default.contents(atPath: path) else { return [:] }
    var values: [String: Int] = [:]
    for line in String(decoding: data, as: UTF8.self).split(separator: "\n") where line.hasSuffix(" kB") {
      let parts = line.split(whereSeparator: { $0 == ":" || $0 == " " || $0 == "\t" })
      if parts.count == 3, let kilobytes = Int(parts[1]) { values[String(parts[0])] = kilobytes * 1024 }
    }
    return values
  }
}
