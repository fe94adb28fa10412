import Foundation
import HTTP
import JSON
import Logging
import Jobs
import Robustness
import Training

extension Setting {
  /// What a section of the file is about.
  static let sections: [String: String] = [
    "tls": "HTTPS, in TLS 1.2 and 1.3. SIGHUP reads the files anew; open connections go on.",
    "storage": "How the disk is used.",
    "quotas": "What each owner may use; null: any number. GET /v1/quota shows it.",
    "retention": "What goes of jobs that have ended; null: nothing. `temper retention --dry-run` says what would go.",
    "limits": "What a client may leave here. A thing beyond its limit is answered with 413, a job beyond the queue with 429.",
    "connections": "What a connection may hold, so that no client can take the server's memory.",
    "timeouts": "After how long a connection that does nothing is given up.",
  ]

  /// Every setting there is, those of a section one after the other.
  static var all: [Setting] { service + network + storage + retention + quotas + limits + connections + timeouts }

  private static var service: [Setting] {
    [
      listen, data, logLevel,
      integer(
        "workers", \.service.workers, 1...1024,
        help: "Jobs that run at the same time. One job by itself already uses every core; more of them share the cores and the memory."),
      optional(
        "threads", \.service.engineThreads, 1...1024,
        help: "Threads of the tensor engine, which all jobs share; null: one for each core. Results do not depend on it."),
      optional(
        "memory_budget", \.service.memoryBudget, 1...(1 << 60), unit: .bytes,
        help: """
          The bytes of memory that the process may take with all its jobs; null: nine tenths of the machine's, or of the container's. What a \
          job takes at its peak is known before it starts (`validate_only` shows it): one that can never fit is refused with 422, one that \
          does not fit beside those that run waits.
          """),
      integer(
        "handler_threads", \.service.handlerThreads, 1...1024,
        help: "Threads that requests are handled on. They wait for the disk and the store, so there may be more than cores."),
      seconds(
        "drain_seconds", \.service.drainSeconds,
        help: """
          How long a running job has at shutdown to save its state, and then how long requests in flight have to end. Jobs go on at the \
          next start.
          """),
      seconds(
        "heartbeat_seconds", atMost: 30, \.service.heartbeatSeconds,
        help: """
          Between two comments in a stream of events: less than the minute after which most proxies take a connection for dead, and than \
          the 45 seconds after which `temper watch` asks anew.
          """),
      integer(
        "fruitless_attempts", \.service.fruitlessAttempts, 0...1_000_000,
        help: """
          How many times in a row the process may end under a job that saves nothing new in between, before the job is taken to be the cause \
          and fails. A job that advances is tried again for ever.
          """),
    ]
  }

  private static var network: [Setting] {
    [
      texts(
        "public_hosts", \.service.publicHosts, demand: "must be a list of hosts, such as [temper.example.org]",
        help: """
          The names by which a proxy in front of the service is reached, with or without a port. A request for another host is refused with \
          421: a page must not reach the service by a name that it makes point here.
          """, isRight: { !$0.isEmpty && !$0.contains("/") && !$0.contains(" ") }),
      texts(
        "proxies", \.service.proxies, demand: "must be a list of addresses or networks, such as [10.0.0.7, 192.168.0.0/16]",
        help: "The addresses of those proxies: their X-Forwarded-For is believed, and they may open any number of connections.",
        isRight: { NetworkRange($0) != nil }),
      texts(
        "webhook_networks", \.service.webhookNetworks, demand: "must be a list of addresses or networks, such as [10.0.0.0/8]",
        help: """
          Private addresses and networks that webhooks may be delivered to. All others that are not reachable from everywhere are refused: who \
          makes a webhook must not reach through this service what only this machine reaches.
          """, isRight: { NetworkRange($0) != nil }),
      flag(
        "tls_by_proxy", \.service.isBehindTLS,
        help: """
          A proxy encrypts what leaves this machine or its private network. Without it, and without `tls`, an address that other machines \
          reach is refused.
          """),
      file(
        "tls.certificate", \.service.tls.certificate,
        help: "The certificate in PEM, with those that lead to its root behind it. With it and a key, the service speaks HTTPS alone."),
      file("tls.key", \.service.tls.key, help: "The private key of the certificate, in PEM."),
      file(
        "tls.client_ca", \.service.tls.clientCA,
        help: "Roots in PEM that sign the certificates of clients; a client without one is refused. null: clients need none."),
    ]
  }

  private static var listen: Setting {
    Setting(
      "listen", .text(1...1_000),
      help: "HOST:PORT. An address that other machines reach needs tokens, and TLS here or in a proxy. Port 0 lets the system choose one.",
      set: { settings, value, _ in
        guard let address = value.string.flatMap(ListenAddress.init) else {
          throw Unusable(demand: "must be HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080")
        }
        (settings.service.host, settings.service.port) = (address.host, address.port)
      }, get: { .string(ListenAddress(host: $0.service.host, port: $0.service.port).description) })
  }

  private static var data: Setting {
    Setting(
      "data", .text(1...4_096), default: "data",
      help: """
        The folder of everything that outlives the process: jobs, datasets, models, checkpoints. One process owns it. A relative path \
        counts from the folder of this file, from the working directory when there is no file.
        """,
      set: { settings, value, folder in
        guard let path = value.string, !path.isEmpty else { throw Unusable(demand: "must be the path of a folder") }
        settings.service.dataDirectory = URL(fileURLWithPath: path, isDirectory: true, relativeTo: folder).absoluteURL
      }, get: { .string($0.service.dataDirectory.path) })
  }

  private static var logLevel: Setting {
    Setting(
      "log_level", .choice(Logger.Level.self), help: "Lines from this level up are logged. `info` has a line for each request.",
      set: { settings, value, _ in settings.logLevel = value.string.flatMap { Logger.Level(rawValue: $0) } ?? settings.logLevel },
      get: { .string($0.logLevel.rawValue) })
  }

  private static var storage: [Setting] {
    [
      optional(
        "storage.reserve_bytes", \.service.storage.reserveBytes, 0...(1 << 60), unit: .bytes,
        help: """
          Bytes of the disk that stay free; null: 2 % of it, at most 512 MiB. Below it uploads and submits are answered with 507, and running \
          jobs wait in memory, with the warning disk_full, until there is room.
          """),
      days(
        "storage.failed_state_days", \.service.storage.housekeeping.failedStateDays,
        help: "The saved state of a failed job is kept so long: until then POST /v1/jobs/ID/resume makes a new job that begins there."),
      days(
        "storage.succeeded_state_days", \.service.storage.housekeeping.succeededStateDays,
        help: """
          The state that the training of a job ended with is kept so long after it has succeeded: until then POST /v1/jobs/ID/extend goes on \
          with the same optimiser, afterwards from the last checkpoint. It is as large as the weights with what the optimiser remembers: \
          twice the weights for SGD with momentum, three times for Adam. It goes earlier when the disk reaches its reserve; 0: at once.
          """),
      days(
        "storage.lost_and_found_days", \.service.storage.housekeeping.lostDays,
        help: "What is damaged, or named by nobody, is moved into lost+found in the data folder, and deleted after so many days."),
      bytes(
        "storage.scrub_bytes_per_second", \.service.storage.housekeeping.scrubBytesPerSecond, 0...(1 << 60),
        help: """
          Once a day each file is read and compared with its digest, at this speed, in moments in which nothing else wants the processor; 0: \
          never.
          """),
    ]
  }

  private static var retention: [Setting] {
    [
      optional(
        "retention.job_days", \.service.storage.retention.jobDays, 0...36_500, unit: .days,
        help: """
          Jobs go so many days after their end, with everything of them: but never one that another job, a sweep or a schedule names, and \
          one with a verdict only when its evidence may go.
          """),
      jobsPerLabel,
      optional(
        "retention.checkpoint_days", \.service.storage.retention.checkpointDays, 0...36_500, unit: .days,
        help: "Checkpoints without one of the roles in `kept_roles` go so many days after the end of their job."),
      words(
        "retention.kept_roles", \.service.storage.retention.keptRoles,
        help: "The roles whose checkpoints stay as long as their job: base, last, averaged, best_robust, best_clean."),
      optional(
        "retention.evidence_days", \.service.storage.retention.evidenceDays, 0...36_500, unit: .days,
        help:
          "The evidence of a job stays so many days after its end, ten years by default, and a job that has a verdict with it (`inconclusive` is "
          + "one, too); null: for ever. Where jobs shall go earlier, this must be less as well."
      ),
      texts(
        "retention.exempt_owners", \.service.storage.retention.exemptOwners,
        demand: "must be a list of owners, such as [alice]",
        help: "Owners whose things stay, whatever the other rules say.", isRight: { !$0.isEmpty }),
      flag(
        "retention.daily", \.service.storage.retention.isDaily,
        help: """
          Whether the rules are carried out as soon as the service has started, and then once a day; false: only when `temper retention` asks, so \
          that its --dry-run can come before new rules take anything.
          """),
    ]
  }

  private static var jobsPerLabel: Setting {
    Setting(
      "retention.jobs_per_label", .list(.text(1...255), count: 0...64),
      help: "Of an owner's jobs with the same value of a label only the newest stay, as many as it says: [branch=20].",
      set: { settings, value, _ in
        var most: [String: Int] = [:]
        for entry in value.elements ?? [] {
          let parts = (entry.string ?? "").split(separator: "=", maxSplits: 1).map(String.init)
          guard parts.count == 2, let count = Int(parts[1]), count >= 0 else {
            throw Unusable(demand: "must be a list of labels with how many jobs stay of each value, such as [branch=20]")
          }
          guard most.updateValue(count, forKey: parts[0]) == nil else { throw Unusable(demand: "must name the label \(parts[0]) once") }
        }
        settings.service.storage.retention.jobsPerLabel = most
      },
      get: { settings in
        .array(
          settings.service.storage.retention.jobsPerLabel.sorted { $0.key < $1.key }.map { .string("\($0.key)=\($0.value)") })
      })
  }

  private static var quotas: [Setting] {
    [
      optional(
        "quotas.queued_jobs", \.service.quotas.usual.queuedJobs, 0...(1 << 40),
        help: "Jobs of an owner that wait; a further one is answered with 429."),
      optional(
        "quotas.running_jobs", \.service.quotas.usual.runningJobs, 1...(1 << 40),
        help: "Jobs of an owner that run at a time; further ones wait, and others go before them."),
      optional(
        "quotas.stored_bytes", \.service.quotas.usual.storedBytes, 0...(1 << 60), unit: .bytes,
        help: """
          Bytes of the files of an owner: data sets, models, checkpoints, reports, evidence. Above it uploads and submits are answered with \
          507; jobs that run go on to their ends.
          """),
      optional(
        "quotas.uploads", \.service.quotas.usual.uploads, 1...(1 << 40),
        help: "Uploads of an owner at a time; a further one is answered with 429."),
      quotasOfOwners,
    ]
  }

  private static let quotaNames: [(name: String, path: WritableKeyPath<Quotas.Limits, Int?> & Sendable)] = [
    ("queued_jobs", \.queuedJobs), ("running_jobs", \.runningJobs), ("stored_bytes", \.storedBytes), ("uploads", \.uploads),
  ]

  private static var quotasOfOwners: Setting {
    Setting(
      "quotas.owners", .list(.text(1...1_000), count: 0...10_000),
      help:
        "Owners with quotas of their own in the place of those above, what is left out without a limit: [alice queued_jobs=10 uploads=1].",
      set: { settings, value, _ in
        var owners: [String: Quotas.Limits] = [:]
        for entry in value.elements ?? [] {
          let words = (entry.string ?? "").split(separator: " ").map(String.init)
          guard let owner = words.first, let limits = limits(words.dropFirst()) else {
            throw Unusable(
              demand: """
                must be a list of owners, each followed by limits of \(quotaNames.map(\.name).joined(separator: ", ")), such as \
                [alice queued_jobs=10 uploads=1]
                """)
          }
          guard owners.updateValue(limits, forKey: owner) == nil else { throw Unusable(demand: "must name the owner \(owner) once") }
        }
        settings.service.quotas.owners = owners
      },
      get: { settings in
        .array(
          settings.service.quotas.owners.sorted { $0.key < $1.key }.map { owner, limits in
            let parts = quotaNames.compactMap { quota in limits[keyPath: quota.path].map { "\(quota.name)=\($0)" } }
            return .string(([owner] + parts).joined(separator: " "))
          })
      })
  }

  private static func limits(_ words: ArraySlice<String>) -> Quotas.Limits? {
    var limits = Quotas.Limits()
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, let value = Int(parts[1]), value >= 0, let quota = quotaNames.first(where: { $0.name == parts[0] }) else {
        return nil
      }
      limits[keyPath: quota.path] = value
    }
    return limits
  }

  private static var limits: [Setting] {
    [
      bytes("limits.spec_bytes", \.service.limits.specBytes, help: "A job spec: the largest sensible ones have some kilobytes."),
      bytes("limits.dataset_bytes", \.service.limits.datasetBytes, help: "A data set as it comes over the wire: 8 GiB."),
      bytes(
        "limits.uncompressed_dataset_bytes", \.service.limits.uncompressedDatasetBytes,
        help: "A data set after decompression: this stops archives that grow a thousandfold."),
      bytes("limits.model_bytes", \.service.limits.modelBytes, help: "A weight file: 2 GiB."),
      integer(
        "limits.queued_jobs", \.service.limits.queuedJobs,
        help: "Jobs that wait. What is behind a thousand others is better submitted later."),
      optional(
        "limits.requests_per_minute", \.service.limits.requestsPerMinute, 1...(1 << 40),
        help: "Requests with a token that are taken from each owner in a minute; further ones are answered with 429. null: any number."),
      integer(
        "limits.sweep_jobs", \.service.limits.sweepJobs,
        help: "Jobs that one sweep may make: each is checked before the first is made, and has a row in the answer."),
    ]
  }

  private static var connections: [Setting] {
    [
      integer("connections.max", \.service.connectionLimits.maxConnections, help: "Open at once; further ones are answered with 503."),
      integer(
        "connections.max_per_address", \.service.connectionLimits.maxConnectionsPerAddress,
        help: "Open at once from one address (503). This machine's own addresses and those of `proxies` have no such limit."),
      integer(
        "connections.descriptor_reserve", \.service.connectionLimits.descriptorReserve,
        help: """
          Descriptors that are left to jobs, files and the database: at the start the limit of open files is raised as far as the system \
          allows, and connections take at most the rest.
          """),
      bytes("connections.request_line_bytes", \.service.connectionLimits.maxRequestLine, help: "The request line (414)."),
      bytes("connections.header_bytes", \.service.connectionLimits.maxHeaderBytes, help: "All header fields together (431)."),
      integer("connections.header_fields", \.service.connectionLimits.maxHeaderCount, help: "How many header fields there may be (431)."),
      bytes(
        "connections.body_bytes", \.service.connectionLimits.maxBodyBytes, help: "A body on a route that has no limit of its own (413)."),
      bytes(
        "connections.body_buffer_bytes", \.service.connectionLimits.bodyBuffer,
        help: "Of a body, what waits for its handler before the socket is no longer read."),
      bytes(
        "connections.discarded_body_bytes", \.service.connectionLimits.maxDiscardedBody,
        help: "Of a body that nobody wanted, what is read to keep the connection; with more to come it is closed."),
      bytes(
        "connections.pipelined_bytes", \.service.connectionLimits.maxPipelinedBytes,
        help: "Of further requests on the connection, what waits while one is answered."),
      bytes(
        "connections.output_buffer_bytes", \.service.connectionLimits.outputBuffer,
        help: "Of an answer, what waits for a slow client before its writer is suspended."),
    ]
  }

  private static var timeouts: [Setting] {
    [
      seconds(
        "timeouts.header_seconds", \.service.timeouts.header,
        help: "From the first byte of a request to the end of its header; a client that takes longer holds a place on purpose."),
      seconds("timeouts.body_seconds", \.service.timeouts.body, help: "Between two arrivals of bytes of a body."),
      seconds(
        "timeouts.idle_seconds", \.service.timeouts.idle,
        help: "Between two requests: longer than the minute for which most clients keep a connection, so that they close first."),
      seconds("timeouts.write_seconds", \.service.timeouts.write, help: "Without the client taking a byte of an answer."),
      seconds(
        "timeouts.linger_seconds", \.service.timeouts.linger,
        help: "How long what a client still sends is read after the last answer, so that the answer is not lost to a reset."),
      seconds(
        "timeouts.handler_wait_seconds", \.service.timeouts.handlerWait,
        help: "For a thread to begin with a request; then 503, and the client may come again."),
      seconds(
        "timeouts.half_closed_seconds", \.service.timeouts.halfClosed,
        help: "For the answer to a client that has closed its sending side: it may still listen, or have gone."),
    ]
  }
}
