import HTTP
import Jobs

/// The service in figures, as `/metrics` gives them.
struct ServiceFigures {
  let status: ServiceStatus
  let counts: [JobState: Int]
  let rate: Double
  let engineThreads: Int

  var text: String {
    var page = PrometheusText()
    addHTTP(&page, status.http)
    addJobs(&page)
    addProcess(&page, ProcessFigures())
    return page.text
  }

  private func addHTTP(_ page: inout PrometheusText, _ http: ServerMetrics.Snapshot) {
    page.add(
      "temper_http_requests_total", .counter, "Answers begun, by the class of their status.",
      (1...5).map { ([("class", "\($0)xx")], Double(http.requestsByClass[$0] ?? 0)) })
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
