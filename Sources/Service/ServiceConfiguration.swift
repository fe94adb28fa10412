import Foundation
import HTTP
import Jobs

/// Every setting of the service.
package struct ServiceConfiguration: Sendable {
  /// Sizes in bytes.
  package struct Limits: Sendable {
    /// A job spec.
    package var specBytes = 1 << 20
    /// A data set as it comes over the wire.
    package var datasetBytes = 8 << 30
    /// A data set after decompression.
    package var uncompressedDatasetBytes = 8 << 30
    /// A weight file.
    package var modelBytes = 2 << 30
    /// Jobs that wait; a further one is answered with 429.
    package var queuedJobs = 1000
    /// Requests with a token that are taken from each owner in a minute; nil: any number.
    package var requestsPerMinute: Int?
    /// Jobs that one sweep may make.
    package var sweepJobs = 256

    package init() {}
  }

  /// How the disk is used.
  package struct Storage: Sendable {
    /// Bytes of the disk that stay free; nil: 2 % of it, at most 512 MiB.
    package var reserveBytes: Int?
    package var housekeeping = Housekeeper.Settings()
    package var retention = RetentionRules()

    package init() {}
  }

  /// Where to listen; an address of this machine alone, since nobody is asked who they are.
  package var host = "127.0.0.1"
  /// 0 lets the system choose.
  package var port = 8080
  /// Files of PEM; read at the start and again on `reloadCertificates()`.
  package struct TLS: Sendable {
    package var certificate: URL?
    package var key: URL?
    package var clientCA: URL?
  }

  package var tls = TLS()
  /// A proxy encrypts what leaves this machine or its private network.
  package var isBehindTLS = false
  /// Hosts, with or without a port, by which a proxy in front of the service is reached.
  package var publicHosts: [String] = []
  /// Addresses or networks of those proxies.
  package var proxies: [String] = []
  /// Private networks that webhooks may be delivered to.
  package var webhookNetworks: [String] = []
  /// Where everything is kept; it is made where it is missing.
  package var dataDirectory: URL
  /// Jobs that run at the same time.
  package var workers = 1
  /// Threads of the tensor engine, which all jobs share; nil: one for each core.
  package var engineThreads: Int?
  /// The bytes that the process may take with all its jobs; nil: nine tenths of the machine's memory.
  package var memoryBudget: Int?
  /// How many times in a row the process may end under a job that saves nothing new, before the job is taken to be the cause.
  package var fruitlessAttempts = 3
  package var storage = Storage()
  package var quotas = Quotas()
  package var limits = Limits()
  /// What the server grants a connection, in bytes and in seconds.
  package var connectionLimits = ServerConfiguration.Limits()
  package var timeouts = ServerConfiguration.Timeouts()
  /// Seconds that running jobs have at shutdown to save their state, and then those that requests in flight have to end.
  package var drainSeconds = 10.0
  /// Seconds between two comments in a stream of events.
  package var heartbeatSeconds = 15.0
  /// Threads on which requests are handled.
  package var handlerThreads = 8

  /// The most threads that the service has at a time, beside those of Swift and Dispatch: of the engine, of requests, for each job its own
  /// and two that save its states, the housekeeper, those of schedules and of retention, and those of the queues of sockets and files.
  package var threadCount: Int {
    (engineThreads ?? ProcessInfo.processInfo.activeProcessorCount) + handlerThreads + 3 * workers + 4 + WebhookSender.most + 6
      + HTTP.ServerConfiguration.fileQueues
  }

  package init(dataDirectory: URL) { self.dataDirectory = dataDirectory }
}

/// Why the service cannot start, in a sentence.
package struct ServiceError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}
