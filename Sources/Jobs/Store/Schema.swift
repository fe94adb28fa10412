import GRDB

/// The tables, as a sequence of steps that is only ever added to.
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
}
