CREATE TABLE access (
        person INTEGER PRIMARY KEY, role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member')), name TEXT,
        since INTEGER NOT NULL
    ) STRICT;
INSERT INTO "access" VALUES(43,'admin','Bob',8);
CREATE TABLE active (
        place TEXT NOT NULL, person TEXT NOT NULL, session TEXT NOT NULL, PRIMARY KEY (place, person)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "active" VALUES('{"front_end":"telegram","chat":"-100"}','telegram:42','alpha');
INSERT INTO "active" VALUES('{"front_end":"telegram","chat":"42"}','','alpha');
CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, session TEXT NOT NULL, record TEXT NOT NULL
    ) STRICT;
INSERT INTO "audit" VALUES(1,8,'alpha','{"at":8,"session":"alpha","kind":"permission","title":"Run ls","tool":"Bash","input_sha256":null,"outcome":"allowed","by":"user","user":"Ada","reason":null}');
CREATE TABLE button (id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL UNIQUE, command TEXT NOT NULL, plugin TEXT, session TEXT, keyboard INTEGER) STRICT;
CREATE TABLE chat_access (
        place TEXT NOT NULL, person INTEGER NOT NULL, name TEXT, since INTEGER NOT NULL, PRIMARY KEY (place, person)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "chat_access" VALUES('{"front_end":"telegram","chat":"-100"}',44,'Eve',8);
CREATE TABLE command_use (command TEXT PRIMARY KEY, uses INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "command_use" VALUES('echo',2);
CREATE TABLE delivery_log (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, record TEXT NOT NULL) STRICT;
CREATE TABLE front_end (name TEXT PRIMARY KEY, next INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "front_end" VALUES('telegram',1001);
CREATE TABLE generation (
        id INTEGER PRIMARY KEY AUTOINCREMENT, plugin TEXT NOT NULL, digest TEXT NOT NULL, stored INTEGER NOT NULL,
        wasm BLOB NOT NULL, UNIQUE (plugin, digest)
    ) STRICT;
INSERT INTO "generation" VALUES(1,'echo','d1',5,X'0061736D');
CREATE TABLE grant_answer (
        plugin TEXT NOT NULL, capabilities TEXT NOT NULL, granted INTEGER NOT NULL, who TEXT NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (plugin, capabilities)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "grant_answer" VALUES('echo','http secrets',1,'telegram:42',8);
CREATE TABLE host (only INTEGER PRIMARY KEY CHECK (only = 1), id TEXT NOT NULL, syncs INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "host" VALUES(1,'host-1',0);
CREATE TABLE inbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT, front_end TEXT NOT NULL, key TEXT NOT NULL, prompt TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL CHECK (state IN ('new', 'waiting', 'handed', 'done')), session TEXT, accepted INTEGER NOT NULL,
        record TEXT NOT NULL, UNIQUE (front_end, key)
    ) STRICT;
INSERT INTO "inbox" VALUES(4,'telegram','998','p-4','done',NULL,5,'');
INSERT INTO "inbox" VALUES(5,'telegram','999','p-5','waiting','alpha',6,'{"key":"999","caller":{"id":"telegram:42","name":"Ada","role":"owner"},"place":{"front_end":"telegram","chat":"42"},"what":{"Text":"a waiting prompt"},"at":7,"locale":null}');
INSERT INTO "inbox" VALUES(6,'telegram','1000','p-6','new',NULL,7,'{"key":"1000","caller":{"id":"telegram:42","name":"Ada","role":"owner"},"place":{"front_end":"telegram","chat":"42"},"what":{"Text":"a new message"},"at":7,"locale":null}');
CREATE TABLE job (
        plugin TEXT NOT NULL, name TEXT NOT NULL, cron TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (plugin, name)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "job" VALUES('echo','daily','0 9 * * *',9);
CREATE TABLE keyboard (
        id INTEGER PRIMARY KEY, place TEXT NOT NULL, request TEXT, reply TEXT NOT NULL, messages TEXT NOT NULL DEFAULT '[]',
        outcome TEXT
    ) STRICT;
INSERT INTO "keyboard" VALUES(2,'{"front_end":"telegram","chat":"42"}',NULL,'{"text":"an unsent answer"}','[]',NULL);
CREATE TABLE live (
        id INTEGER PRIMARY KEY, prompt TEXT NOT NULL, place TEXT NOT NULL, message TEXT NOT NULL, text TEXT, UNIQUE (prompt, place, message)
    ) STRICT;
INSERT INTO "live" VALUES(1,'p-4','{"front_end":"telegram","chat":"42"}','8',NULL);
CREATE TABLE met (place TEXT NOT NULL, person TEXT NOT NULL, name TEXT, PRIMARY KEY (place, person)) STRICT, WITHOUT ROWID;
INSERT INTO "met" VALUES('{"front_end":"telegram","chat":"-100"}','',NULL);
INSERT INTO "met" VALUES('{"front_end":"telegram","chat":"42"}','',NULL);
INSERT INTO "met" VALUES('{"front_end":"telegram","chat":"42"}','telegram:42',NULL);
CREATE TABLE moved (
        front_end TEXT NOT NULL, chat TEXT NOT NULL, home TEXT NOT NULL, PRIMARY KEY (front_end, chat)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "moved" VALUES('telegram','-200','-100');
CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT, place TEXT NOT NULL, turn TEXT, reply TEXT NOT NULL, delivery TEXT NOT NULL
    , stored INTEGER) STRICT;
INSERT INTO "outbox" VALUES(3,'{"front_end":"telegram","chat":"42"}','p-4','{"text":"an unsent answer"}','{"messages":["9"],"shown":1}',NULL);
CREATE TABLE own_mode (person TEXT PRIMARY KEY, mode TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "own_mode" VALUES('telegram:42','plain');
CREATE TABLE place_locale (place TEXT PRIMARY KEY, locale TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "place_locale" VALUES('{"front_end":"telegram","chat":"42"}','de');
CREATE TABLE plugin_state (
        plugin TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (plugin, key)
    ) STRICT;
INSERT INTO "plugin_state" VALUES('echo','count',X'2A');
CREATE TABLE session (
        name TEXT PRIMARY KEY, owner TEXT NOT NULL, archived INTEGER NOT NULL, record TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
INSERT INTO "session" VALUES('alpha','telegram:42',0,'{"name":"alpha","owner":"telegram:42","folder":"/sessions/alpha","agent":"demo","conversation":null,"resumable":false,"model":null,"persona":null,"mode":null,"idle_timeout":null,"place":null,"created":1,"last_active":2,"turns":3,"cost_usd":null,"archived":false,"process":null}');
INSERT INTO "session" VALUES('beta','telegram:42',1,'{"name":"beta","owner":"telegram:42","folder":"/sessions/beta","agent":"demo","conversation":null,"resumable":false,"model":null,"persona":null,"mode":null,"idle_timeout":null,"place":null,"created":1,"last_active":2,"turns":3,"cost_usd":null,"archived":true,"process":null}');
CREATE TABLE standing (plugin TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "standing" VALUES('echo','{"disabled":null,"rolled_back":["d0"]}');
CREATE TABLE topic (session TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE unreachable (place TEXT PRIMARY KEY, why TEXT) STRICT, WITHOUT ROWID;
INSERT INTO "unreachable" VALUES('{"front_end":"telegram","chat":"-100"}',NULL);
CREATE TABLE usage (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, session TEXT NOT NULL, persona TEXT, agent TEXT NOT NULL,
        model TEXT, cost_usd REAL, input INTEGER NOT NULL, output INTEGER NOT NULL, cache_read INTEGER NOT NULL,
        cache_write INTEGER NOT NULL
    ) STRICT;
INSERT INTO "usage" VALUES(1,8,'alpha',NULL,'demo',NULL,0.5,1,2,3,4);
CREATE INDEX inbox_open ON inbox (id) WHERE state <> 'done';
CREATE INDEX active_session ON active (session);
CREATE INDEX keyboard_open ON keyboard (request) WHERE outcome IS NULL;
CREATE INDEX audit_session ON audit (session);
CREATE INDEX usage_at ON usage (at);
CREATE UNIQUE INDEX access_owner ON access (role) WHERE role = 'owner';
CREATE INDEX inbox_answered ON inbox (id) WHERE state = 'done' AND record <> '';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('inbox',6);
INSERT INTO "sqlite_sequence" VALUES('outbox',3);
INSERT INTO "sqlite_sequence" VALUES('generation',1);
INSERT INTO "sqlite_sequence" VALUES('button',1);
INSERT INTO "sqlite_sequence" VALUES('audit',1);
INSERT INTO "sqlite_sequence" VALUES('usage',1);
PRAGMA user_version = 19;
