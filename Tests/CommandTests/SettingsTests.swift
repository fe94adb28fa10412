import Foundation
import Testing

import temper

@Suite struct SettingsTests {
  private let here = URL(fileURLWithPath: FileManager.default.currentDirectoryPath, isDirectory: true)

  private static func file(_ name: String) throws -> String {
    try String(contentsOf: Workspace.repository.appendingPathComponent("config/\(name)"), encoding: .utf8)
  }

  @Test("the example is what temper schema --settings prints, and sets each setting to its default") func example() throws {
    let text = try Self.file("temper.example.yaml")
    #expect(text == SettingsExample.text, "print it anew: temper schema --settings > config/temper.example.yaml")
    let defaults = Settings().values
    #expect(try Set(SettingsDocument(text).keys) == Set(defaults.keys))
    #expect(try Settings(yaml: text, relativeTo: here).values == defaults)
  }

  @Test("every setting of the example stands below a comment") func comments() throws {
    var isExplained = false
    for line in try Self.file("temper.example.yaml").split(separator: "\n", omittingEmptySubsequences: false) {
      let text = line.drop { $0 == " " }
      isExplained = text.hasPrefix("#") || !text.isEmpty && isExplained
      if text.isEmpty || text.hasPrefix("#") { continue }
      #expect(isExplained, "\(line)")
      isExplained = false
    }
  }

  @Test("the page of the spec's fields is what temper schema --markdown prints") func page() throws {
    #expect(try Self.file("job-spec.md") == SpecPage.text, "print it anew: temper schema --markdown > config/job-spec.md")
  }

  @Test("a section that is given as a value says which keys it takes, one of comments alone sets nothing") func sections() throws {
    #expect {
      try Settings(yaml: "workers: 2\nstorage: 5\nlimits: [1]\n", relativeTo: here)
    } throws: { error in
      (error as? SettingsError)?.faults == [
        "line 2: storage is a section: it takes the keys reserve_bytes, failed_state_days, succeeded_state_days, lost_and_found_days, "
          + "scrub_bytes_per_second, each on a line of its own",
        "line 3: limits is a section: it takes the keys spec_bytes, dataset_bytes, uncompressed_dataset_bytes, model_bytes, queued_jobs, "
          + "requests_per_minute, sweep_jobs, each on a line of its own",
      ]
    }
    #expect(try Settings(yaml: "storage:\n  # reserve_bytes: 1\n", relativeTo: here).values == Settings().values)
  }

  @Test(
    "a value that cannot be is refused in words",
    arguments: [
      ("workers: null", "workers must be a whole number, not \"null\""), ("threads: 0", "threads must be from 1 to 1024, not \"0\""),
      ("threads: [1]", "threads must be a whole number, not the list [1]"),
      ("tls_by_proxy: 1", "tls_by_proxy must be true or false, not \"1\""),
      ("proxies: 10.0.0.1", "proxies must be a list of addresses or networks, such as [10.0.0.7, 192.168.0.0/16], not \"10.0.0.1\""),
      (
        "proxies: [10.0.0.0/8, here]",
        "proxies must be a list of addresses or networks, such as [10.0.0.7, 192.168.0.0/16], not the list [10.0.0.0/8, here]"
      ),
      ("tls: {key: \"\"}", "tls.key must be the path of a file, not nothing"),
      ("drain_seconds: 0", "drain_seconds must be a number of seconds above 0 and up to 86400, not \"0\""),
      ("drain_seconds: soon", "drain_seconds must be a number of seconds above 0 and up to 86400, not \"soon\""),
      ("storage: {lost_and_found_days: -1}", "storage.lost_and_found_days must be a number of days from 0 to 36500, not \"-1\""),
      ("log_level: loud", "log_level must be one of trace, debug, info, notice, warning, error, critical, not \"loud\""),
      ("data: \"\"", "data must be the path of a folder, not nothing"), ("data:", "data must be the path of a folder, not nothing"),
      ("listen:", "listen must be HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080, not nothing"),
    ])
  func wrongValues(line: String, fault: String) {
    #expect {
      try Settings(yaml: line, relativeTo: here)
    } throws: { ($0 as? SettingsError)?.faults == ["line 1: " + fault] }
  }

  @Test("a file changes what it names and nothing else") func fileChangesWhat() throws {
    let text = "listen: \"[::1]:0\"\nthreads: 3\ntimeouts:\n  idle_seconds: 7.5\ndata: here\nlog_level: debug\n"
    var expected = Settings().values
    expected["listen"] = "[::1]:0"
    expected["threads"] = "3"
    expected["timeouts.idle_seconds"] = "7.5"
    expected["data"] = "/etc/temper/here"
    expected["log_level"] = "debug"
    #expect(try Settings(yaml: text, relativeTo: URL(fileURLWithPath: "/etc/temper", isDirectory: true)).values == expected)
    #expect(try Settings(yaml: "", relativeTo: here).values == Settings().values)
    #expect(try Settings(yaml: "# nothing\n", relativeTo: here).values == Settings().values)
  }

  @Test("hosts, proxies and the files of TLS are read, relative paths from the folder of the file") func network() throws {
    let text =
      "public_hosts: [a.example.org, \"b.example.org:8443\"]\nproxies: [10.0.0.0/8, \"::1\"]\ntls:\n  certificate: c.pem\n  key: /k.pem\n"
    let settings = try Settings(yaml: text, relativeTo: URL(fileURLWithPath: "/etc/temper", isDirectory: true))
    #expect(settings.service.publicHosts == ["a.example.org", "b.example.org:8443"])
    #expect(settings.service.proxies == ["10.0.0.0/8", "::1"])
    #expect(settings.service.tls.certificate?.path == "/etc/temper/c.pem" && settings.service.tls.key?.path == "/k.pem")
    #expect(settings.service.tls.clientCA == nil && !settings.service.isBehindTLS)
  }

  @Test("rules of retention and quotas are read, and printed as they are read") func housekeeping() throws {
    let text = """
      retention: {job_days: 30, jobs_per_label: [branch=20], kept_roles: [best_robust, last], exempt_owners: [alice]}
      quotas: {queued_jobs: 5, owners: [bob uploads=1 stored_bytes=1000]}
      """
    let settings = try Settings(yaml: text, relativeTo: here)
    let retention = settings.service.storage.retention
    #expect(retention.jobDays == 30 && retention.jobsPerLabel == ["branch": 20] && retention.keptRoles == [.bestRobust, .last])
    #expect(retention.exemptOwners == ["alice"] && retention.evidenceDays == 3_650 && retention.checkpointDays == nil)
    #expect(settings.service.quotas.limits(of: "alice").queuedJobs == 5)
    #expect(settings.service.quotas.limits(of: "bob").queuedJobs == nil && settings.service.quotas.limits(of: "bob").storedBytes == 1_000)
    #expect(try Settings(yaml: SettingsExample.text(of: settings), relativeTo: here).values == settings.values)
    let forEver = try Settings(yaml: "retention: {evidence_days: null, daily: false}", relativeTo: here)
    #expect(forEver.service.storage.retention.evidenceDays == nil && !forEver.service.storage.retention.isDaily)
    #expect(try Settings(yaml: SettingsExample.text(of: forEver), relativeTo: here).values == forEver.values)
    for wrong in [
      "retention: {jobs_per_label: [branch]}", "retention: {jobs_per_label: [a=1, a=2]}", "retention: {kept_roles: [worst]}",
      "quotas: {owners: [bob jobs=1]}", "quotas: {owners: [bob uploads=1, bob uploads=2]}",
    ] {
      #expect(throws: SettingsError.self) { try Settings(yaml: wrong, relativeTo: here) }
    }
  }

  @Test("the environment sets what it names, over the file, and its faults are named") func environment() throws {
    var settings = try Settings(yaml: "workers: 2\nlisten: 127.0.0.1:1\n", relativeTo: here)
    let variables = [
      "TEMPER_WORKERS": "3", "TEMPER_LISTEN": "[::1]:7", "TEMPER_STORAGE_RESERVE_BYTES": "5", "TEMPER_PROXIES": "[10.0.0.0/8]",
      "TEMPER_TLS_BY_PROXY": "true", "TEMPER_TOKEN": "x", "TEMPER_THREADS": "",
    ]
    try settings.apply(environment: variables, relativeTo: here)
    #expect(settings.service.workers == 3 && settings.service.host == "::1" && settings.service.storage.reserveBytes == 5)
    #expect(settings.service.proxies == ["10.0.0.0/8"] && settings.service.isBehindTLS && settings.service.engineThreads == nil)
    #expect {
      try settings.apply(environment: ["TEMPER_WORKERS": "many", "TEMPER_PROXIES": "here"], relativeTo: here)
    } throws: { error in
      let faults = (error as? SettingsError)?.faults ?? []
      return faults.count == 2 && faults[0].hasPrefix("TEMPER_WORKERS: workers must be a whole number")
    }
    // What is printed is read again to the same.
    #expect(try Settings(yaml: SettingsExample.text(of: settings), relativeTo: here).values == settings.values)
  }

  @Test("all faults of a file come at once, with their lines") func allFaultsOfAFile() {
    let text = "workrs: 2\nworkers: 0\nlimits:\n  spec_bytes: many\n  jobs: 3\nlisten: 8080\ndrain_seconds: -1\n"
    #expect {
      try Settings(yaml: text, relativeTo: here)
    } throws: { error in
      guard let faults = (error as? SettingsError)?.faults, faults.count == 6 else { return false }
      return faults[0].hasPrefix("line 1: there is no setting workrs; known: connections.")
        && faults[1] == "line 2: workers must be from 1 to 1024, not \"0\""
        && faults[2] == "line 4: limits.spec_bytes must be a whole number, not \"many\""
        && faults[3].hasPrefix("line 5: there is no setting limits.jobs; known: limits.")
        && faults[4].hasPrefix("line 6: listen must be HOST:PORT") && faults[5].hasPrefix("line 7: drain_seconds must be")
    }
  }

  @Test(
    "HOST:PORT is read strictly",
    arguments: [
      ("127.0.0.1:8080", ListenAddress(host: "127.0.0.1", port: 8080)), ("localhost:0", ListenAddress(host: "localhost", port: 0)),
      ("[::1]:80", ListenAddress(host: "::1", port: 80)), ("::1:80", nil), ("8080", nil), (":80", nil), ("a:65536", nil), ("a:", nil),
    ]) func hostPORTIsReadStrictly(text: String, expected: ListenAddress?)
  {
    #expect(ListenAddress(text) == expected)
    if let expected { #expect(expected.description == text) }
  }
}
