import Foundation
import Logging
import Service
import Yams

/// One setting: its key in the file, and the way to its place.
struct Setting {
  let key: String
  let set: (inout Settings, SettingValue) throws -> Void
  /// The value as the file would have it.
  let text: (Settings) -> String

  /// Every setting there is.
  static var all: [Setting] {
    [
      Setting(
        key: "listen",
        set: { settings, value in
          let address = try value.listenAddress()
          (settings.service.host, settings.service.port) = (address.host, address.port)
        }, text: { ListenAddress(host: $0.service.host, port: $0.service.port).description }),
      Setting(
        key: "data", set: { settings, value in settings.service.dataDirectory = try value.directory() },
        text: { $0.service.dataDirectory.path }),
      Setting(key: "log_level", set: { $0.logLevel = try $1.level() }, text: { $0.logLevel.rawValue }),
      Setting(
        key: "threads", set: { $0.service.engineThreads = try $1.optionalInteger(in: 1...1024) },
        text: { $0.service.engineThreads.map(String.init) ?? "null" }),
      Setting(
        key: "memory_budget", set: { $0.service.memoryBudget = try $1.optionalInteger(in: 1...(1 << 60)) },
        text: { $0.service.memoryBudget.map(String.init) ?? "null" }),
      integer("workers", \.service.workers, 1...1024),
      integer("handler_threads", \.service.handlerThreads, 1...1024),
      seconds("drain_seconds", \.service.drainSeconds),
      seconds("heartbeat_seconds", \.service.heartbeatSeconds),

      integer("fruitless_attempts", \.service.fruitlessAttempts, 0...1_000_000),

      Setting(
        key: "storage.reserve_bytes", set: { $0.service.storage.reserveBytes = try $1.optionalInteger(in: 0...(1 << 60)) },
        text: { $0.service.storage.reserveBytes.map(String.init) ?? "null" }),
      days("storage.failed_state_days", \.service.storage.housekeeping.failedStateDays),
      days("storage.lost_and_found_days", \.service.storage.housekeeping.lostDays),
      integer("storage.scrub_bytes_per_second", \.service.storage.housekeeping.scrubBytesPerSecond, 0...(1 << 60)),

      integer("limits.spec_bytes", \.service.limits.specBytes),
      integer("limits.dataset_bytes", \.service.limits.datasetBytes),
      integer("limits.uncompressed_dataset_bytes", \.service.limits.uncompressedDatasetBytes),
      integer("limits.model_bytes", \.service.limits.modelBytes),
      integer("limits.queued_jobs", \.service.limits.queuedJobs),

      integer("connections.max", \.service.connectionLimits.maxConnections),
      integer("connections.descriptor_reserve", \.service.connectionLimits.descriptorReserve),
      integer("connections.request_line_bytes", \.service.connectionLimits.maxRequestLine),
      integer("connections.header_bytes", \.service.connectionLimits.maxHeaderBytes),
      integer("connections.header_fields", \.service.connectionLimits.maxHeaderCount),
      integer("connections.body_bytes", \.service.connectionLimits.maxBodyBytes),
      integer("connections.body_buffer_bytes", \.service.connectionLimits.bodyBuffer),
      integer("connections.discarded_body_bytes", \.service.connectionLimits.maxDiscardedBody),
      integer("connections.pipelined_bytes", \.service.connectionLimits.maxPipelinedBytes),
      integer("connections.output_buffer_bytes", \.service.connectionLimits.outputBuffer),

      seconds("timeouts.header_seconds", \.service.timeouts.header),
      seconds("timeouts.body_seconds", \.service.timeouts.body),
      seconds("timeouts.idle_seconds", \.service.timeouts.idle),
      seconds("timeouts.write_seconds", \.service.timeouts.write),
      seconds("timeouts.linger_seconds", \.service.timeouts.linger),
      seconds("timeouts.handler_wait_seconds", \.service.timeouts.handlerWait),
      seconds("timeouts.half_closed_seconds", \.service.timeouts.halfClosed),
    ]
  }

  private static func integer(_ key: String, _ path: WritableKeyPath<Settings, Int>, _ range: ClosedRange<Int> = 1...(1 << 60)) -> Setting {
    Setting(key: key, set: { $0[keyPath: path] = try $1.integer(in: range) }, text: { String($0[keyPath: path]) })
  }

  private static func days(_ key: String, _ path: WritableKeyPath<Settings, Double>) -> Setting {
    Setting(key: key, set: { $0[keyPath: path] = try $1.days() }, text: { String($0[keyPath: path]) })
  }

  private static func seconds(_ key: String, _ path: WritableKeyPath<Settings, Double>) -> Setting {
    Setting(key: key, set: { $0[keyPath: path] = try $1.seconds() }, text: { String($0[keyPath: path]) })
  }
}

/// A value in the file, read as what the setting takes. What it throws goes on from the setting's name.
struct SettingValue {
  let node: Node
  /// What relative paths are relative to.
  let folder: URL

  func integer(in range: ClosedRange<Int>) throws -> Int {
    guard let value = node.int else { throw wrong("must be a whole number") }
    guard range.contains(value) else { throw wrong("must be from \(range.lowerBound) to \(range.upperBound)") }
    return value
  }

  func optionalInteger(in range: ClosedRange<Int>) throws -> Int? { node.null != nil ? nil : try integer(in: range) }

  func seconds() throws -> Double {
    guard let value = node.float, value.isFinite, value > 0, value <= 86_400 else {
      throw wrong("must be a number of seconds above 0 and up to 86400")
    }
    return value
  }

  func days() throws -> Double {
    guard let value = node.float, value.isFinite, value >= 0, value <= 36_500 else {
      throw wrong("must be a number of days from 0 to 36500")
    }
    return value
  }

  func listenAddress() throws -> ListenAddress {
    guard let address = node.string.flatMap(ListenAddress.init) else {
      throw wrong("must be HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080")
    }
    return address
  }

  func directory() throws -> URL {
    guard let path = node.string, !path.isEmpty, node.null == nil else { throw wrong("must be the path of a folder") }
    return URL(fileURLWithPath: path, isDirectory: true, relativeTo: folder).absoluteURL
  }

  func level() throws -> Logger.Level {
    guard let level = node.string.flatMap({ Logger.Level(rawValue: $0) }) else {
      throw wrong("must be one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return level
  }

  private func wrong(_ what: String) -> SettingsError {
    let given = node.scalar.map { ", not \($0.string.isEmpty ? "nothing" : "\"\($0.string.prefix(60))\"")" } ?? ", not a list"
    return SettingsError(faults: [what + given])
  }
}
