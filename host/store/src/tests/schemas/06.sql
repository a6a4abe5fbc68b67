CREATE TABLE active (
        place TEXT NOT NULL, person TEXT NOT NULL, session TEXT NOT NULL, PRIMARY KEY (place, person)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "active" VALUES('{"front_end":"telegram","chat":"-100"}','telegram:42','alpha');
INSERT INTO "active" VALUES('{"front_end":"telegram","chat":"42"}','','alpha');
CREATE TABLE button (id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL UNIQUE, command TEXT NOT NULL, plugin TEXT) STRICT;
INSERT INTO "button" VALUES(1,'t1','/retry alpha',NULL);
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
CREATE TABLE live (
        id INTEGER PRIMARY KEY, prompt TEXT NOT NULL, place TEXT NOT NULL, message TEXT NOT NULL, UNIQUE (prompt, place, message)
    ) STRICT;
INSERT INTO "live" VALUES(1,'p-4','{"front_end":"telegram","chat":"42"}','8');
CREATE TABLE met (place TEXT NOT NULL, person TEXT NOT NULL, PRIMARY KEY (place, person)) STRICT, WITHOUT ROWID;
INSERT INTO "met" VALUES('{"front_end":"telegram","chat":"-100"}','');
INSERT INTO "met" VALUES('{"front_end":"telegram","chat":"42"}','');
INSERT INTO "met" VALUES('{"front_end":"telegram","chat":"42"}','telegram:42');
CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT, place TEXT NOT NULL, turn TEXT, reply TEXT NOT NULL, delivery TEXT NOT NULL
    ) STRICT;
INSERT INTO "outbox" VALUES(3,'{"front_end":"telegram","chat":"42"}','p-4','{"text":"an unsent answer"}','{"messages":["9"],"shown":1}');
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
CREATE INDEX inbox_open ON inbox (id) WHERE state <> 'done';
CREATE INDEX active_session ON active (session);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('inbox',6);
INSERT INTO "sqlite_sequence" VALUES('outbox',3);
INSERT INTO "sqlite_sequence" VALUES('generation',1);
INSERT INTO "sqlite_sequence" VALUES('button',1);
PRAGMA user_version = 6;
