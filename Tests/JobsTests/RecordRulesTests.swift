import Files
import Foundation
import GRDB
import JSON
import Jobs
import Testing

@Suite("The check of records") struct RecordRulesTests {
  /// A folder with a row in every table, all of them whole.
  private func full() throws -> DamagedFolder {
    let damaged = try DamagedFolder(jobs: 2)
    let job = damaged.jobs[0]
    let store = try Store(at: damaged.url)
    let files = try (0..<2).map { number in try store.directory.files.write { try $0.append(Data("weights \(number)".utf8)) }.sha256 }
    try store.note(.made(.last, sha256: files[0]), of: job)
    try store.close()
    let (dataset, model, sweep) = (Identifier.dataset.make(), Identifier.model.make(), Identifier.sweep.make())
    let webhook = Identifier.webhook.make()
    let schedule = Identifier.schedule.make()
    let part = "{\"count\":1,\"per_class\":[1]}"
    let summary = """
      {"shape":[1],"classes":1,"class_names":["a"],"train":\(part),"test":\(part),"sha256":"","bytes":1}
      """
    try damaged.change(
      """
      INSERT INTO datasets (id, name, format, summary, created_at) VALUES ('\(dataset)', 'd', 'npz', '\(summary)', 1);
      INSERT INTO models (id, name, format, parameters, tensors, bytes, sha256, created_at)
        VALUES ('\(model)', 'm', 'safetensors', 1, '[]', 9, '\(files[1])', 1);
      INSERT INTO idempotency (owner, key, route, digest, status, headers, body, created_at)
        VALUES ('local', 'mine', 'POST /v1/jobs', 'd', 201, '[["a","b"]]', x'00', 1);
      INSERT INTO attempts (job, number, engine, started_at) VALUES ('\(job)', 1, 'e', 1);
      INSERT INTO damaged (sha256, detail, found_at) VALUES ('\(String(repeating: "a", count: 64))', 'd', 1);
      INSERT INTO released (sha256, job) VALUES ('\(files[1])', '\(job)');
      INSERT INTO sweeps (id, owner, labels, spec, vary, mode, best, created_at)
        VALUES ('\(sweep)', 'local', '{}', '{}', '{}', 'grid', '{"metric":"clean_accuracy","min":{}}', 1);
      INSERT INTO webhooks (id, owner, url, triggers, labels, secret, created_at)
        VALUES ('\(webhook)', 'local', 'https://a.example.org', '["state"]', '{}', 's', 1);
      INSERT INTO deliveries (id, webhook, "trigger", state, attempts, next_at, body, created_at)
        VALUES ('\(Identifier.delivery.make())', '\(webhook)', 'ping', 'pending', 0, 1, '{}', 1);
      INSERT INTO sweep_jobs (sweep, number, job, varied, result)
        VALUES ('\(sweep)', 0, '\(job)', '{}', '{"verdict":"pass","figures":{},"discredited_by":[]}');
      INSERT OR REPLACE INTO files (sha256, bytes) VALUES ('\(files[1])', 9);
      INSERT INTO turns (owner, number) VALUES ('local', 1);
      INSERT INTO settings (name, value) VALUES ('pause', 'stop');
      INSERT INTO schedules (id, owner, labels, spec, cron, created_at, made_until)
        VALUES ('\(schedule)', 'local', '{}', '{}', '0 0 * * *', 1, 0);
      INSERT INTO schedule_runs (schedule, due_at, made_at, job, verdict) VALUES ('\(schedule)', 60000, 60001, '\(job)', 'pass');
      """)
    return damaged
  }

  @Test(
    "a damaged value is found in every table, by the table and the id, and a repair sets the row aside",
    arguments: [
      ("jobs", "attempt = 0"),
      ("jobs", "revision = -5"), ("jobs", "ran_ms = -1"), ("jobs", "priority = 5000"), ("jobs", "spec = '{'"),
      ("jobs", "report = '../../../mine'"), ("jobs", "created_at = -1"),
      ("jobs", "extended_from = '../mine'"), ("jobs", "result = '{}'"), ("transitions", "state = 'flying'"), ("events", "kind = 'noise'"),
      ("events", "data = '{'"), ("events", "number = -1"), ("checkpoints", "sha256 = '../../mine'"), ("checkpoints", "id = 'ckpt_short'"),
      ("checkpoints", "checkpoint = '{}'"), ("models", "sha256 = '../../mine'"), ("models", "id = '../mine'"), ("models", "bytes = -1"),
      ("datasets", "format = 'floppy'"), ("datasets", "file = '../../mine'"), ("datasets", "summary = '{}'"),
      ("idempotency", "headers = '[1]'"), ("idempotency", "status = 7"), ("attempts", "number = -1"), ("webhooks", "triggers = '['"),
      ("webhooks", "id = 'whk_short'"), ("deliveries", "state = 'lost'"), ("deliveries", "body = '{'"), ("attempts", "started_at = -1"),
      ("uses", "resource = ''"), ("damaged", "sha256 = 'short'"), ("damaged", "found_at = -1"), ("released", "sha256 = '../../mine'"),
      ("released", "job = 'nobody'"), ("sweeps", "mode = 'spiral'"), ("sweeps", "best = '{}'"), ("sweeps", "vary = '{'"),
      ("sweep_jobs", "result = '{}'"), ("sweep_jobs", "job = '../mine'"), ("sweep_jobs", "number = -1"),
      ("jobs", "follows = '../mine'"), ("jobs", "work = -1"), ("files", "sha256 = '../../mine'"), ("files", "bytes = -1"),
      ("turns", "number = -1"), ("settings", "value = 'perhaps'"), ("schedules", "cron = 'daily'"), ("schedules", "spec = '{'"),
      ("schedules", "created_at = -1"), ("schedule_runs", "verdict = 'maybe'"), ("schedule_runs", "job = '../mine'"),
      ("schedule_runs", "due_at = -1"), ("schedule_runs", "turned = 2"),
    ])
  func found(_ table: String, _ harm: String) throws {
    let damaged = try full()
    #expect(try StoreCheck(damaged.url).findings.filter { $0.kind == .record }.isEmpty)
    // A file that a name from the database must not lead to.
    let mine = damaged.url.appendingPathComponent("mine")
    try Data("mine".utf8).write(to: mine)
    try damaged.change("UPDATE \(table) SET \(harm) WHERE \(Self.first(table))")
    let check = try StoreCheck(damaged.url)
    let finding = try #require(check.findings.first { $0.kind == .record })
    #expect(finding.detail.contains("the table \(table) "))
    #expect(finding.detail.contains(harm.prefix { $0 != " " }))
    #expect(check.open.contains(finding))
    let repair = try StoreCheck(damaged.url, repair: true)
    #expect(
      repair.findings.contains { $0.kind == .record && $0.mended?.hasPrefix("moved into lost+found as the text new-\(table)-") == true })
    #expect(damaged.lost.contains { $0.hasPrefix("new-\(table)-") })
    #expect(try StoreCheck(damaged.url).findings.filter { $0.kind == .record }.isEmpty)
    #expect(try Data(contentsOf: mine) == Data("mine".utf8))
    #expect(try damaged.count(table) < 10)
  }

  @Test("a damaged token opens nothing, nor does the repair that sets it aside, until a token is made", arguments: ["tokens", "settings"])
  func damagedToken(_ table: String) throws {
    let damaged = try DamagedFolder(jobs: 1)
    let store = try Store(at: damaged.url)
    if table == "tokens" { _ = try store.makeToken(name: "root", owner: "*", role: .admin) }
    try store.close()
    // What an earlier repair noted, if it lost tokens.
    let harm = table == "tokens" ? "UPDATE tokens SET role = 'king'" : "INSERT INTO settings (name, value) VALUES ('tokenz', 'lost')"
    try damaged.change(harm)
    if table == "tokens" {
      let harmed = try Store(at: damaged.url)
      #expect(harmed.needsTokens)
      try harmed.close()
    }
    let repair = try StoreCheck(damaged.url, repair: true)
    #expect(repair.open.contains { $0.kind == .lost && $0.detail.contains("temper token create") })
    #expect(try StoreCheck(damaged.url).isWhole)
    for _ in 0..<2 {
      let closed = try Store(at: damaged.url)
      #expect(closed.needsTokens)
      #expect(try closed.tokens().elements.isEmpty)
      try closed.close()
    }
    let open = try Store(at: damaged.url)
    let token = try open.makeToken(name: "root", owner: "*", role: .admin).token
    #expect(open.needsTokens)
    try open.revokeToken(token.id)
    #expect(open.needsTokens)
    try open.close()
    let again = try Store(at: damaged.url)
    #expect(!again.needsTokens)
    try again.close()
  }

  /// One row, by its key.
  private static func first(_ table: String) -> String {
    switch table {
    case "jobs", "datasets", "models", "checkpoints": "id = (SELECT min(id) FROM \(table))"
    case "transitions", "attempts", "uses": "job = (SELECT min(job) FROM \(table))"
    case "files": "sha256 = (SELECT min(sha256) FROM files)"
    case "events": "number = 1 AND job = (SELECT min(job) FROM events)"
    default: "true"
    }
  }
}
