CREATE TABLE attempts (
      job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, number INTEGER NOT NULL, engine TEXT NOT NULL, started_at INTEGER NOT NULL,
      PRIMARY KEY (job, number)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoints (
      id TEXT PRIMARY KEY, job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, role TEXT, sha256 TEXT NOT NULL,
      checkpoint TEXT NOT NULL, created_at INTEGER NOT NULL, UNIQUE (job, role)
    ) STRICT;
INSERT INTO "checkpoints" VALUES('ckpt_01kb1c00000000000000000001','job_01kb1c00000000000000000001','last','47320987f9a49d5b00119b960f247a956773f57543982b8bfcb6da5bb3afd9ef','{"role":"last","epoch":2,"metrics":{"epoch":2,"step":10,"phase":"base","learningRate":0.5},"bytes":10,"sha256":"47320987f9a49d5b00119b960f247a956773f57543982b8bfcb6da5bb3afd9ef"}',1764244800000);
CREATE TABLE damaged (sha256 TEXT PRIMARY KEY, detail TEXT NOT NULL, found_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE datasets (
      id TEXT PRIMARY KEY, name TEXT NOT NULL, format TEXT NOT NULL, summary TEXT NOT NULL, created_at INTEGER NOT NULL
    , owner TEXT NOT NULL DEFAULT 'local', file TEXT) STRICT;
CREATE TABLE events (
      job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, number INTEGER NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL,
      data TEXT NOT NULL, PRIMARY KEY (job, number)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "events" VALUES('job_01kb1c00000000000000000001',1,'state',1764244800001,'{"state": "queued", "attempt": 1, "reason": null}');
INSERT INTO "events" VALUES('job_01kb1c00000000000000000001',2,'state',1764244800002,'{"state": "running", "attempt": 1, "reason": null}');
INSERT INTO "events" VALUES('job_01kb1c00000000000000000001',3,'state',1764244800003,'{"state": "succeeded", "attempt": 1, "reason": null}');
INSERT INTO "events" VALUES('job_01kb1c00000000000000000002',1,'state',1764244800001,'{"state": "queued", "attempt": 1, "reason": null}');
INSERT INTO "events" VALUES('job_01kb1c00000000000000000003',1,'state',1764244800001,'{"state": "queued", "attempt": 1, "reason": null}');
INSERT INTO "events" VALUES('job_01kb1c00000000000000000003',2,'state',1764244800002,'{"state": "running", "attempt": 1, "reason": null}');
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO "grdb_migrations" VALUES('1: jobs and what belongs to them');
INSERT INTO "grdb_migrations" VALUES('2: the memory that a job takes at its peak');
INSERT INTO "grdb_migrations" VALUES('3: owners, files by their digest, attempts');
INSERT INTO "grdb_migrations" VALUES('4: the evidence of a job, and the data set that it made');
INSERT INTO "grdb_migrations" VALUES('5: sweeps, and jobs that extend others');
INSERT INTO "grdb_migrations" VALUES('6: tokens');
CREATE TABLE idempotency (
      owner TEXT NOT NULL, key TEXT NOT NULL, route TEXT NOT NULL, digest TEXT NOT NULL, status INTEGER NOT NULL, headers TEXT NOT NULL,
      body BLOB NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (owner, key, route)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE jobs (
      id TEXT PRIMARY KEY, position INTEGER NOT NULL UNIQUE, name TEXT, labels TEXT NOT NULL, state TEXT NOT NULL, reason TEXT,
      attempt INTEGER NOT NULL, crashes INTEGER NOT NULL, priority INTEGER NOT NULL, spec TEXT NOT NULL, progress TEXT NOT NULL,
      metrics TEXT NOT NULL, warnings TEXT NOT NULL, created_at INTEGER NOT NULL, started_at INTEGER, finished_at INTEGER,
      revision INTEGER NOT NULL
    , peak_bytes INTEGER NOT NULL DEFAULT 0, owner TEXT NOT NULL DEFAULT 'local', resumed_from TEXT, report TEXT, ran_ms INTEGER NOT NULL DEFAULT 0, saved_step INTEGER, saved_position INTEGER NOT NULL DEFAULT 0, ordered_stop INTEGER NOT NULL DEFAULT 0, events_reserved INTEGER NOT NULL DEFAULT 0, evidence TEXT, generated TEXT, extended_from TEXT) STRICT;
INSERT INTO "jobs" VALUES('job_01kb1c00000000000000000001',1,'succeeded','{"branch":"main"}','succeeded',NULL,1,0,0,'{"dataset":{"id":"digits","limit":200},"model":{"architecture":"linear"},"threat":{"norm":"linf","epsilon":0.1},"training":{"base_epochs":1,"epochs":1,"batch_size":64,"attack":{"name":"pgd","steps":2},"optimizer":{"name":"sgd"}},"evaluation":{"attacks":[{"name":"pgd","steps":3}],"samples":50,"curve":[]}}','{"fraction":0}','{}','[]',1764244800000,1764244801000,1764244809000,3,1000,'local',NULL,'845e91831319e89c4d656bdb80c278ac09a7230d61e5dfd2e1b1fbb436ac8917',0,NULL,0,0,10,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('job_01kb1c00000000000000000002',2,'queued','{"branch":"main"}','queued',NULL,1,0,0,'{"dataset":{"id":"digits","limit":200},"model":{"architecture":"linear"},"threat":{"norm":"linf","epsilon":0.1},"training":{"base_epochs":1,"epochs":1,"batch_size":64,"attack":{"name":"pgd","steps":2},"optimizer":{"name":"sgd"}},"evaluation":{"attacks":[{"name":"pgd","steps":3}],"samples":50,"curve":[]}}','{"fraction":0}','{}','[]',1764244800000,NULL,NULL,3,1000,'local',NULL,NULL,0,NULL,0,0,10,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('job_01kb1c00000000000000000003',3,'running','{"branch":"main"}','running',NULL,1,0,0,'{"dataset":{"id":"digits","limit":200},"model":{"architecture":"linear"},"threat":{"norm":"linf","epsilon":0.1},"training":{"base_epochs":1,"epochs":1,"batch_size":64,"attack":{"name":"pgd","steps":2},"optimizer":{"name":"sgd"}},"evaluation":{"attacks":[{"name":"pgd","steps":3}],"samples":50,"curve":[]}}','{"fraction":0}','{}','[]',1764244800000,1764244801000,NULL,3,1000,'local',NULL,NULL,0,NULL,0,0,10,NULL,NULL,NULL);
CREATE TABLE metrics (
      job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, epoch INTEGER NOT NULL, step INTEGER NOT NULL, phase TEXT NOT NULL,
      at INTEGER NOT NULL, metrics TEXT NOT NULL, PRIMARY KEY (job, epoch)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "metrics" VALUES('job_01kb1c00000000000000000001',2,10,'base',1764244800000,'{"epoch":2,"step":10,"phase":"base","learningRate":0.5}');
CREATE TABLE models (
      id TEXT PRIMARY KEY, name TEXT NOT NULL, format TEXT NOT NULL, parameters INTEGER NOT NULL, tensors TEXT NOT NULL,
      bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, created_at INTEGER NOT NULL
    , owner TEXT NOT NULL DEFAULT 'local') STRICT;
INSERT INTO "models" VALUES('mdl_01kb1c00000000000000000001','weights','safetensors',1,'[]',5,'9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4',1764244800000,'local');
CREATE TABLE released (sha256 TEXT NOT NULL, job TEXT NOT NULL, PRIMARY KEY (sha256, job)) STRICT, WITHOUT ROWID;
CREATE TABLE sweep_jobs (
      sweep TEXT NOT NULL REFERENCES sweeps (id) ON DELETE CASCADE, number INTEGER NOT NULL, job TEXT NOT NULL, varied TEXT NOT NULL,
      result TEXT, PRIMARY KEY (sweep, number)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "sweep_jobs" VALUES('swp_01kb1c00000000000000000001',0,'job_01kb1c00000000000000000001','{"seed":1}',NULL);
CREATE TABLE sweeps (
      id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT, labels TEXT NOT NULL, spec TEXT NOT NULL, vary TEXT NOT NULL,
      mode TEXT NOT NULL, best TEXT NOT NULL, created_at INTEGER NOT NULL
    ) STRICT;
INSERT INTO "sweeps" VALUES('swp_01kb1c00000000000000000001','local','s','{}','{}','{"seed":[1]}','grid','{"metric":"clean_accuracy","min":{}}',1764244800000);
CREATE TABLE tokens (
      id TEXT PRIMARY KEY, name TEXT NOT NULL, owner TEXT NOT NULL, role TEXT NOT NULL, sha256 TEXT NOT NULL UNIQUE,
      created_at INTEGER NOT NULL, expires_at INTEGER
    ) STRICT;
INSERT INTO "tokens" VALUES('tok_01kb1c00000000000000000001','ci','ci','submit','2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b',1764244800000,NULL);
CREATE TABLE transitions (
      job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, number INTEGER NOT NULL, state TEXT NOT NULL, at INTEGER NOT NULL,
      reason TEXT, PRIMARY KEY (job, number)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "transitions" VALUES('job_01kb1c00000000000000000001',1,'queued',1764244800001,NULL);
INSERT INTO "transitions" VALUES('job_01kb1c00000000000000000001',2,'running',1764244800002,NULL);
INSERT INTO "transitions" VALUES('job_01kb1c00000000000000000001',3,'succeeded',1764244800003,NULL);
INSERT INTO "transitions" VALUES('job_01kb1c00000000000000000002',1,'queued',1764244800001,NULL);
INSERT INTO "transitions" VALUES('job_01kb1c00000000000000000003',1,'queued',1764244800001,NULL);
INSERT INTO "transitions" VALUES('job_01kb1c00000000000000000003',2,'running',1764244800002,NULL);
CREATE TABLE uses (
      job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, resource TEXT NOT NULL, PRIMARY KEY (job, resource)
    ) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_by_turn ON jobs (state, priority DESC, position);
CREATE INDEX uses_by_resource ON uses (resource);
CREATE INDEX checkpoints_by_file ON checkpoints (sha256);
CREATE INDEX jobs_by_state ON jobs (state, position);
CREATE INDEX jobs_by_report ON jobs (report) WHERE report IS NOT NULL;
CREATE INDEX datasets_by_file ON datasets (file);
CREATE INDEX models_by_file ON models (sha256);
CREATE INDEX idempotency_by_age ON idempotency (created_at);
CREATE INDEX jobs_by_evidence ON jobs (evidence) WHERE evidence IS NOT NULL;
CREATE INDEX sweep_jobs_by_job ON sweep_jobs (job);
