import HTTP
import Jobs

/// The metrics of the service for `/metrics`.
struct ServiceFigures {
  let status: ServiceStatus
  let counts: [JobState: Int]
  let rate: Double
  let engineThreads: Int
  let store: Store.Load
  let importsWaiting: Int
  /// `nil` when the system does not say.
  let freeBytes: Int?

  var text: String {
    var page = PrometheusText()
    addHTTP(&page, status.http)
    addJobs(&page)
    addWaits(&page, status.http)
    addProcess(&page, ProcessFigures())
    return page.text
  }

  private func addHTTP(_ page: inout PrometheusText, _ http: ServerMetrics.Snapshot) {
    page.add(
      "temper_http_requests_total", .counter, "Answers begun, by the class of their status.",
      (1...5).map { ([("class", "\($0)xx")], Double(http.requestsByClass[$0] ?? 0)) })
    page.add(
      "temper_http_route_requests_total", .counter, "Answers begun, by route and status.",
      http.requestsByRoute.sorted { ($0.key.route ?? "", $0.key.status) < ($1.key.route ?? "", $1.key.status) }
        .map { ([("route", $0.key.route ?? "none"), ("status", String($0.key.status))], Double($0.value)) })
    page.addHistogram(
      "temper_http_request_duration_seconds", "Time from a request's header to the last byte of its answer.",
      buckets: http.cumulativeBuckets,
      sum: http.durationSum, count: http.durationCount)
    page.add(
      "temper_http_requests_aborted_total", .counter, "Requests whose client went before the answer was out.", Double(http.requestsAborted))
    page.add("temper_http_connections_open", .gauge, "Connections that are open.", Double(http.connectionsOpen))
    page.add("temper_http_connections_accepted_total", .counter, "Connections that were accepted.", Double(http.connectionsAccepted))
    page.add("temper_http_connections_refused_total", .counter, "Connections beyond the limit.", Double(http.connectionsRefused))
    page.add("temper_http_received_bytes_total", .counter, "Bytes received from clients.", Double(http.bytesReceived))
    page.add("temper_http_sent_bytes_total", .counter, "Bytes of answers.", Double(http.bytesSent))
  }

  private func addJobs(_ page: inout PrometheusText) {
    page.add(
      "temper_jobs", .gauge, "Jobs that there are, by state.", JobState.allCases.map { ([("state", $0.rawValue)], Double(counts[$0] ?? 0)) }
    )
    page.add("temper_queue_depth", .gauge, "Jobs that wait for a worker.", Double(counts[.queued] ?? 0))
    let running: [JobState] = [.running, .pausing, .cancelling]
    page.add("temper_jobs_running", .gauge, "Jobs that a worker has.", Double(running.reduce(0) { $0 + (counts[$1] ?? 0) }))
    page.add("temper_examples_per_second", .gauge, "Training examples a second, over all running jobs.", rate)
    page.add("temper_engine_threads", .gauge, "Threads of the tensor engine.", Double(engineThreads))
  }

  /// Adds the metrics of waiting: they show where requests that take long are stuck.
  private func addWaits(_ page: inout PrometheusText, _ http: ServerMetrics.Snapshot) {
    page.add("temper_handler_threads", .gauge, "Threads that handle requests.", Double(http.handlerThreads))
    page.add(
      "temper_handler_threads_busy", .gauge, "Of these, how many are at work or wait for the disk or the store.", Double(http.handlersBusy))
    page.add("temper_handler_waiting", .gauge, "Pieces of requests that wait for a handler thread.", Double(http.handlersWaiting))
    page.add("temper_handler_wait_seconds", .gauge, "How long the first of them has waited.", http.handlersOldestWait)
    page.add(
      "temper_handler_timeouts_total", .counter, "Requests answered with 503 because no handler thread began with them in time.",
      Double(http.requestsUnattended))
    page.add("temper_http_immediate_total", .counter, "Requests answered from memory, without a handler.", Double(http.requestsImmediate))
    page.add("temper_store_readers", .gauge, "Calls that read the database, or wait to.", Double(store.readers))
    page.add("temper_store_writers", .gauge, "Calls that write to the database, or wait to.", Double(store.writers))
    page.add("temper_store_log_bytes", .gauge, "The write-ahead log.", Double(store.logBytes))
    page.add(
      "temper_store_reopened_total", .counter, "How often the database was opened anew after an error of the disk.", Double(store.reopened))
    page.add("temper_followers", .gauge, "Event streams and long polls that wait for a change.", Double(store.followers))
    page.add("temper_imports_waiting", .gauge, "Uploads that wait to be unpacked.", Double(importsWaiting))
    if let freeBytes { page.add("temper_disk_free_bytes", .gauge, "Room on the disk of the data directory.", Double(freeBytes)) }
  }

  private func addProcess(_ page: inout PrometheusText, _ process: ProcessFigures) {
    page.add("process_resident_memory_bytes", .gauge, "Memory of the process that is in RAM.", Double(process.residentBytes))
    page.add("process_resident_memory_peak_bytes", .gauge, "The most RAM that the process has had.", Double(process.peakResidentBytes))
    page.add("process_virtual_memory_bytes", .gauge, "Address space of the process.", Double(process.virtualBytes))
    page.add("process_cpu_seconds_total", .counter, "Processor time of the process.", process.cpuSeconds)
    page.add("process_open_fds", .gauge, "File descriptors that are open.", Double(process.openFiles))
    page.add(
      "process_start_time_seconds", .gauge, "When the service began, in seconds since 1970.", Double(status.startedAt.milliseconds) / 1000)
    page.add(
      "temper_build_info", .gauge, "Always 1; its label tells which build this is.", [([("version", TemperVersion.current)], 1)])
  }
}
