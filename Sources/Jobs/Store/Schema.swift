import GRDB

/// The tables, as a sequence of steps that is only ever added to: the text of a step never changes, a new column is a new step.
///
/// A new column also goes into the `init` of its record, its INSERT, and `RecordRules`; a new table into `DatabaseSalvage.order`. A column that
/// names a file goes into `Store.uses` (Store+Files.swift).
enum Schema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1: jobs and what belongs to them") { db in
      try db.execute(sql: jobs)
      try db.execute(sql: resources)
    }
    migrator.registerMigration("2: the memory that a job takes at its peak") { db in
      try db.execute(sql: "ALTER TABLE jobs ADD COLUMN peak_bytes INTEGER NOT NULL DEFAULT 0")
    }
    migrator.registerMigration("3: owners, files by their digest, attempts") { db in try db.execute(sql: files) }
    migrator.registerMigration("4: the evidence of a job, and the data set that it made") { db in
      try db.execute(
        sql: """
          ALTER TABLE jobs ADD COLUMN evidence TEXT;
          ALTER TABLE jobs ADD COLUMN generated TEXT;
          CREATE INDEX jobs_by_evidence ON jobs (evidence) WHERE evidence IS NOT NULL;
          """)
    }
    migrator.registerMigration("5: sweeps, and jobs that extend others") { db in
      try db.execute(sql: sweeps)
      try db.execute(sql: "ALTER TABLE jobs ADD COLUMN extended_from TEXT")
    }
    migrator.registerMigration("6: tokens") { db in try db.execute(sql: tokens) }
    migrator.registerMigration("7: the order of the events of all jobs") { db in try db.execute(sql: eventOrder) }
    migrator.registerMigration("8: what the report of a job says, for lists") { db in
      try db.execute(sql: "ALTER TABLE jobs ADD COLUMN result TEXT")
    }
    migrator.registerMigration("9: webhooks and what they are to be told") { db in try db.execute(sql: webhooks) }
    migrator.registerMigration("10: what follows what, sizes of files, schedules") { db in try db.execute(sql: order) }
    migrator.registerMigration("11: figures of the validation part are called so") { db in try db.execute(sql: validationNames) }
    return migrator
  }

  /// Times are milliseconds since 1970; documents are JSON.
  private static let jobs = """
    CREATE TABLE jobs (
      id TEXT PRIMARY KEY, position INTEGER NOT NULL UNIQUE, name TEXT, labels TEXT NOT NULL, state TEXT NOT NULL, reason TEXT,
      attempt INTEGER NOT NULL, crashes INTEGER NOT NULL, priority INTEGER NOT NULL, spec TEXT NOT NULL, progress TEXT NOT NULL,
      metrics TEXT NOT NULL, warnings TEXT NOT NULL, created_at INTEGER NOT NULL, started_at INTEGER, finished_at INTEGER,
      revision INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX jobs_by_turn ON jobs (state, priority DESC, position);
    CREATE TABLE transitions (
      job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, number INTEGER NOT NULL, state TEXT NOT NULL, at INTEGER NOT NULL,
      reason TEXT, PRIMARY KEY (job, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE events (
      job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, number INTEGER NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL,
      data TEXT NOT NULL, PRIMARY KEY (job, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE metrics (
      job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, epoch INTEGER NOT NULL, step INTEGER NOT NULL, phase TEXT NOT NULL,
      at INTEGER NOT NULL, metrics TEXT NOT NULL, PRIMARY KEY (job, epoch)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE checkpoints (
      id TEXT PRIMARY KEY, job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, role TEXT NOT NULL, checkpoint TEXT NOT NULL,
      created_at INTEGER NOT NULL, UNIQUE (job, role)
    ) STRICT;
    CREATE TABLE uses (
      job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, resource TEXT NOT NULL, PRIMARY KEY (job, resource)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX uses_by_resource ON uses (resource);
    """

  private static let resources = """
    CREATE TABLE datasets (
      id TEXT PRIMARY KEY, name TEXT NOT NULL, format TEXT NOT NULL, summary TEXT NOT NULL, created_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE models (
      id TEXT PRIMARY KEY, name TEXT NOT NULL, format TEXT NOT NULL, parameters INTEGER NOT NULL, tensors TEXT NOT NULL,
      bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, created_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE idempotency (
      key TEXT NOT NULL, route TEXT NOT NULL, digest TEXT NOT NULL, status INTEGER NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL,
      created_at INTEGER NOT NULL, PRIMARY KEY (key, route)
    ) STRICT, WITHOUT ROWID;
    """

  /// `sweep_jobs.varied` holds the varied fields with their values, `result` what a table shows of the job's report; both stay when the job is
  /// deleted, which `job` names. `sweeps.best` is the rule by which one is the best.
  private static let sweeps = """
    CREATE TABLE sweeps (
      id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT, labels TEXT NOT NULL, spec TEXT NOT NULL, vary TEXT NOT NULL,
      mode TEXT NOT NULL, best TEXT NOT NULL, created_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE sweep_jobs (
      sweep TEXT NOT NULL REFERENCES sweeps (id) ON DELETE CASCADE, number INTEGER NOT NULL, job TEXT NOT NULL, varied TEXT NOT NULL,
      result TEXT, PRIMARY KEY (sweep, number)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sweep_jobs_by_job ON sweep_jobs (job);
    """

  /// `position` rises over all jobs. It begins at the milliseconds of its time, times 4096, so that it is not given out again when the events
  /// that had the greatest ones are deleted.
  private static let eventOrder = """
    CREATE TABLE event_order (
      position INTEGER PRIMARY KEY, job TEXT NOT NULL, number INTEGER NOT NULL, UNIQUE (job, number),
      FOREIGN KEY (job, number) REFERENCES events (job, number) ON DELETE CASCADE
    ) STRICT;
    """

  /// `sha256` is of the secret. A token without `expires_at` is good until it is revoked.
  private static let tokens = """
    CREATE TABLE tokens (
      id TEXT PRIMARY KEY, name TEXT NOT NULL, owner TEXT NOT NULL, role TEXT NOT NULL, sha256 TEXT NOT NULL UNIQUE,
      created_at INTEGER NOT NULL, expires_at INTEGER
    ) STRICT;
    """

  /// `secret` is the key of the signatures: it is needed as it is. `deliveries.job` stays when the job is deleted.
  private static let webhooks = """
    CREATE TABLE webhooks (
      id TEXT PRIMARY KEY, owner TEXT NOT NULL, url TEXT NOT NULL, triggers TEXT NOT NULL, labels TEXT NOT NULL, secret TEXT NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE deliveries (
      id TEXT PRIMARY KEY, webhook TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE, "trigger" TEXT NOT NULL, job TEXT,
      state TEXT NOT NULL, attempts INTEGER NOT NULL, next_at INTEGER, status INTEGER, error TEXT, body TEXT NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX deliveries_by_turn ON deliveries (webhook, next_at, id) WHERE next_at IS NOT NULL;
    CREATE INDEX deliveries_by_webhook ON deliveries (webhook, id);
    """

  /// `jobs.follows` is the job that must have succeeded first, `jobs.work` millions of floating-point operations; `turns.number` rises with each
  /// job that begins. `schedule_runs.due_at` is the minute that a run was made for; of `schedules.made_until` and before no run is made any more.
  /// `schedule_runs.turned` is 1 where the verdict is another than that of the run before.
  private static let order = """
    ALTER TABLE jobs ADD COLUMN follows TEXT;
    ALTER TABLE jobs ADD COLUMN work INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX jobs_by_follows ON jobs (follows) WHERE follows IS NOT NULL;
    CREATE INDEX jobs_by_owner ON jobs (owner, position);
    CREATE TABLE files (sha256 TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE turns (owner TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE schedules (
      id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT, labels TEXT NOT NULL, spec TEXT NOT NULL, cron TEXT NOT NULL,
      created_at INTEGER NOT NULL, made_until INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE schedule_runs (
      schedule TEXT NOT NULL REFERENCES schedules (id) ON DELETE CASCADE, due_at INTEGER NOT NULL, made_at INTEGER NOT NULL, job TEXT,
      reason TEXT, verdict TEXT, turned INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (schedule, due_at)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX schedule_runs_by_job ON schedule_runs (job) WHERE job IS NOT NULL;
    """

  /// Only in texts as they are answered; what `metrics.metrics` and `checkpoints.checkpoint` have are the names of `TrainingMetrics`.
  private static let validationNames = ["clean_accuracy", "robust_accuracy", "averaged_clean_accuracy", "averaged_robust_accuracy"].map {
    name in
    """
    UPDATE jobs SET metrics = replace(metrics, '"\(name)"', '"validation_\(name)"') WHERE instr(metrics, '"\(name)"');
    UPDATE events SET data = replace(data, '"\(name)"', '"validation_\(name)"') WHERE kind = 'metric' AND instr(data, '"\(name)"');
    """
  }.joined(separator: "\n")

  /// `owner` is `local` until there are tokens. `datasets.file`, `models.sha256`, `checkpoints.sha256` and `jobs.report` name files.
  ///
  /// `jobs.ran_ms` is how long all attempts ran; `saved_step` and `saved_position` are of the last saved state that was looked at;
  /// `ordered_stop` is 1 while a shutdown waits for the job; no event number above `events_reserved` was ever given out.
  /// A checkpoint whose role went to a better one has no role; it stays as long as a job is to begin with it.
  private static let files = """
    ALTER TABLE jobs ADD COLUMN owner TEXT NOT NULL DEFAULT 'local';
    ALTER TABLE jobs ADD COLUMN resumed_from TEXT;
    ALTER TABLE jobs ADD COLUMN report TEXT;
    ALTER TABLE jobs ADD COLUMN ran_ms INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN saved_step INTEGER;
    ALTER TABLE jobs ADD COLUMN saved_position INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN ordered_stop INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN events_reserved INTEGER NOT NULL DEFAULT 0;
    UPDATE jobs SET events_reserved = (SELECT coalesce(max(number), 0) FROM events WHERE events.job = jobs.id);
    ALTER TABLE datasets ADD COLUMN owner TEXT NOT NULL DEFAULT 'local';
    ALTER TABLE datasets ADD COLUMN file TEXT;
    ALTER TABLE models ADD COLUMN owner TEXT NOT NULL DEFAULT 'local';

    ALTER TABLE checkpoints RENAME TO checkpoints_by_role;
    CREATE TABLE checkpoints (
      id TEXT PRIMARY KEY, job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, role TEXT, sha256 TEXT NOT NULL,
      checkpoint TEXT NOT NULL, created_at INTEGER NOT NULL, UNIQUE (job, role)
    ) STRICT;
    INSERT INTO checkpoints (id, job, role, sha256, checkpoint, created_at)
      SELECT id, job, role, json_extract(checkpoint, '$.sha256'), checkpoint, created_at FROM checkpoints_by_role;
    DROP TABLE checkpoints_by_role;
    CREATE INDEX checkpoints_by_file ON checkpoints (sha256);
    CREATE INDEX jobs_by_state ON jobs (state, position);
    CREATE INDEX jobs_by_report ON jobs (report) WHERE report IS NOT NULL;
    CREATE INDEX datasets_by_file ON datasets (file);
    CREATE INDEX models_by_file ON models (sha256);

    DROP TABLE idempotency;
    CREATE TABLE idempotency (
      owner TEXT NOT NULL, key TEXT NOT NULL, route TEXT NOT NULL, digest TEXT NOT NULL, status INTEGER NOT NULL, headers TEXT NOT NULL,
      body BLOB NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (owner, key, route)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX idempotency_by_age ON idempotency (created_at);

    CREATE TABLE attempts (
      job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, number INTEGER NOT NULL, engine TEXT NOT NULL, started_at INTEGER NOT NULL,
      PRIMARY KEY (job, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE damaged (sha256 TEXT PRIMARY KEY, detail TEXT NOT NULL, found_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    -- job: the id of the job, data set or model that named the file
    CREATE TABLE released (sha256 TEXT NOT NULL, job TEXT NOT NULL, PRIMARY KEY (sha256, job)) STRICT, WITHOUT ROWID;
    """
}
