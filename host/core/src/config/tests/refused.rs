//! Tests the error messages for common operator mistakes.

use expect_test::expect;

use super::{super::load, assert_refused};

#[test]
fn all_unknown_keys_are_reported_together() {
    assert_refused(
        "[sessions]\nqueue = 5\nidel_timeout = \"5m\"\n[telegram]\ntoken = \"12:secret\"\ncolour = 1\n",
        expect![[r#"
            line 3, column 1: unknown key 'idel_timeout' in [sessions]; did you mean 'idle_timeout'?
            3 | idel_timeout…
              | ^^^^^^^^^^^^
            line 5, column 1: unknown key 'token' in [telegram]; did you mean 'token_file'?
            5 | token…
              | ^^^^^
            line 6, column 1: unknown key 'colour' in [telegram]; known keys: api_url, document_over, edit_pause, file_limit, gather, give_up, per_minute, rich, ring_after, stream, token_file, topics, webhook, webhook_listen, and tables such as [telegram.colour]
            6 | colour…
              | ^^^^^^
        "#]],
    );
}

#[test]
fn an_unknown_choice_for_interrupted_turns_lists_the_known_ones() {
    assert_refused(
        "[sessions]\ninterrupted = \"retry\"\n",
        expect![[r#"
            line 2, column 15: 'interrupted' in [sessions] must be one of "ask", "resume", not "retry"
            2 | interrupted = "retry"
              |               ^^^^^^^
        "#]],
    );
}

#[test]
fn a_key_in_the_wrong_table_names_the_right_one() {
    assert_refused(
        "queue = 5\n[access]\napi_url = \"https://x\"\ndefault = \"x\"\n",
        expect![[r#"
        line 1, column 1: unknown key 'queue' outside of any table; it belongs in [sessions]
        1 | queue…
          | ^^^^^
        line 3, column 1: unknown key 'api_url' in [access]; it belongs in [telegram]
        3 | api_url…
          | ^^^^^^^
        line 4, column 1: unknown key 'default' in [access]; it belongs in [agents] or [sessions]
        4 | default…
          | ^^^^^^^
    "#]],
    );
}

#[test]
fn unknown_tables_are_reported() {
    assert_refused(
        "[sesions]\nqueue = 5\n[tools]\n[console.colours]\n",
        expect![[r#"
            line 1, column 2: unknown table [sesions]; did you mean 'sessions'?
            1 | [sesions]
              |  ^^^^^^^
            line 3, column 2: unknown table [tools]; known keys: access, agents, console, language, limits, log, plugins, requests, secrets, sessions, status, telegram, voice, webhook
            3 | [tools]
              |  ^^^^^
            line 4, column 10: unknown key 'colours' in [console]; known keys: drain
            4 | [console.colours]
              |          ^^^^^^^
        "#]],
    );
}

#[test]
fn an_unknown_language_is_reported() {
    assert_refused(
        "[language]\ntexts = \"fr\"\n",
        expect![[r#"
        line 2, column 9: 'texts' in [language] must be one of "auto", "en", "de", not "fr"
        2 | texts = "fr"
          |         ^^^^
    "#]],
    );
}

#[test]
fn invalid_durations_are_reported() {
    assert_refused(
        "[sessions]\nidle_timeout = \"10 minutes\"\n[console]\ndrain = 10\n[telegram]\nedit_pause = \"1h\"\n",
        expect![[r#"
            line 2, column 16: 'idle_timeout' in [sessions] must be a duration such as "10m" or "1h30m" (units: ms, s, m, h, d), not "10 minutes"
            2 | idle_timeout = "10 minutes"
              |                ^^^^^^^^^^^^
            line 4, column 9: 'drain' in [console] must be a duration such as "10m" or "1h30m" (units: ms, s, m, h, d), not the number 10
            4 | drain = 10
              |         ^^
            line 6, column 14: 'edit_pause' in [telegram] must be from 100ms to 1m, not "1h"
            6 | edit_pause = "1h"
              |              ^^^^
        "#]],
    );
    assert_refused(
        "[sessions]\nidle_timeout = \"8d\"\n",
        expect![[r#"
            line 2, column 16: 'idle_timeout' in [sessions] must be from 1s to 7d, not "8d"
            2 | idle_timeout = "8d"
              |                ^^^^
        "#]],
    );
}

#[test]
fn values_of_the_wrong_type_are_reported() {
    assert_refused(
        "sessions = 3\n[telegram]\napi_url = 3\n[agents.claude]\nargs = \"-v\"\nenv = { A = 1 }\n[[plugins.help]]\n",
        expect![[r#"
            line 1, column 12: [sessions] must be a table: write [sessions] on its own line and the keys below it
            1 | sessions = …
              |            ^
            line 3, column 11: 'api_url' in [telegram] must be text in quotes, not the number 3
            3 | api_url = 3
              |           ^
            line 5, column 8: 'args' in [agents.claude] must be a list, such as ["a", "b"], not "-v"
            5 | args = "-v"
              |        ^^^^
            line 6, column 13: 'A' in [agents.claude.env] must be text in quotes
            6 | env = { A = …
              |             ^
            line 7, column 11: unknown key 'help' in [plugins]; known keys: cache, calls, drain, filters, folder, http_body, http_time, lifecycle, log, memory, parallel, probation, probation_traps, reply, rescan, state, time, and tables such as [plugins.help]
            7 | [[plugins.help]]
              |           ^^^^
        "#]],
    );
}

#[test]
fn values_out_of_range_are_reported() {
    assert_refused(
        "[sessions]\nqueue = 0\nkept = 1001\n[plugins]\nmemory = \"64MB\"\nreply = \"1GiB\"\ncalls = 99999999999999999999\n",
        expect![[r#"
            line 2, column 9: 'queue' in [sessions] must be from 1 to 1000, not 0
            2 | queue = 0
              |         ^
            line 3, column 8: 'kept' in [sessions] must be from 1 to 1000, not 1001
            3 | kept = 1001
              |        ^^^^
            line 5, column 10: 'memory' in [plugins] must be a size such as "64KiB" (units: B, KiB, MiB, GiB), not "64MB"
            5 | memory = "64MB"
              |          ^^^^^^
            line 6, column 9: 'reply' in [plugins] must be from 1KiB to 64MiB, not "1GiB"
            6 | reply = "1GiB"
              |         ^^^^^^
            line 7, column 9: 'calls' in [plugins] must be from 1 to 10000000, not 99999999999999999999
            7 | calls = 99999999999999999999
              |         ^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn a_budget_is_a_positive_amount() {
    for (written, budget) in [("20", 20.0), ("2.5", 2.5), ("1_000.0", 1000.0), ("1e3", 1000.0), ("0.01", 0.01)] {
        let config = load(&format!("[limits]\ncost_per_day = {written}\n")).unwrap();
        assert_eq!(config.limits.cost_per_day, Some(budget), "{written}");
    }
    for (written, why) in [
        ("-5.0", "must be from 0.01 to 1000000, not -5.0"),
        ("-5", "must be from 0.01 to 1000000, not -5"),
        ("0", "must be from 0.01 to 1000000, not 0"),
        ("0.0", "must be from 0.01 to 1000000, not 0.0"),
        ("nan", "must be from 0.01 to 1000000, not nan"),
        ("-nan", "must be from 0.01 to 1000000, not -nan"),
        ("inf", "must be from 0.01 to 1000000, not inf"),
        ("1e999", "must be from 0.01 to 1000000, not 1e999"),
        ("\"20\"", "must be a number of US dollars, such as 10.0, not \"20\""),
        ("true", "must be a number of US dollars, such as 10.0, not true"),
    ] {
        let error = load(&format!("[limits]\ncost_per_day = {written}\n")).unwrap_err().to_string();
        assert!(error.contains(&format!("'cost_per_day' in [limits] {why}")), "{written}: {error}");
    }
}

#[test]
fn user_ids_are_positive_numbers() {
    assert_refused(
        "[access]\nowner = \"@ann\"\nadmins = [1, -5]\nmembers = [0]\n",
        expect![[r#"
            line 2, column 9: 'owner' in [access] must be a user's numeric id without quotes, such as 123456789: a username can be transferred to another person
            2 | owner = "@ann"
              |         ^^^^^^
            line 3, column 14: an item of 'admins' in [access] must be a user's id, not -5: negative ids belong to groups
            3 | admins = [1, -5]
              |              ^^
            line 4, column 12: an item of 'members' in [access] must be a user's id, such as 123456789, not 0
            4 | members = [0]
              |            ^
        "#]],
    );
}

#[test]
fn keys_that_do_not_apply_to_the_kind_are_reported() {
    assert_refused(
        "[agents.repl]\nkind = \"plain\"\nmodel = \"x\"\nprompt = \"(\"\nsilence = \"1ms\"\n",
        expect![[r#"
            line 1, column 1: [agents.repl] is of kind "plain" and needs a command: add command = "python3" and args = ["-i", "-u"], for example
            1 | [agents.repl]
              | ^^^^^^^^^^^^^
            line 3, column 9: 'model' in [agents.repl] has no effect on an agent of kind "plain": delete the line, and use args or env if the program has such a setting
            3 | model = "x"
              |         ^^^
            line 4, column 10: 'prompt' in [agents.repl] must be a regular expression, such as '>>> $': found open group without closing ')'. Put the expression in single quotes, and escape special characters such as ( or + with a backslash
            4 | prompt = "("
              |          ^^^
            line 5, column 11: 'silence' in [agents.repl] must be from 50ms to 1h, not "1ms"
            5 | silence = "1ms"
              |           ^^^^^
        "#]],
    );
    assert_refused(
        "[agents.repl]\nkind = \"plain\"\ncommand = \"sh\"\npermission_mode = \"plan\"\nprompt = \".*\"\n",
        expect![[r#"
            line 4, column 19: 'permission_mode' in [agents.repl] has no effect on an agent of kind "plain": delete the line, and use args or env if the program has such a setting
            4 | permission_mode = "plan"
              |                   ^^^^^^
            line 5, column 10: 'prompt' in [agents.repl] must match at least one character: ".*" matches any output
            5 | prompt = ".*"
              |          ^^^^
        "#]],
    );
    assert_refused(
        "[agents.claude]\nprompt = '> $'\nsilence = \"1s\"\n",
        expect![[r#"
        line 2, column 10: 'prompt' in [agents.claude] has no effect on an agent of kind "claude": delete the line, or set kind = "plain"
        2 | prompt = '> $'
          |          ^^^^^
        line 3, column 11: 'silence' in [agents.claude] has no effect on an agent of kind "claude": delete the line, or set kind = "plain"
        3 | silence = "1s"
          |           ^^^^
    "#]],
    );
}

#[test]
fn unusable_agents_are_reported() {
    assert_refused(
        "[agents]\ndefault = \"claud\"\n[agents.mine]\nmodel = \"x\"\n",
        expect![[r#"
            line 2, column 11: default = "claud" in [agents] is not an agent: [agents.claud] is missing. Known agents: claude, demo, mine; did you mean 'claude'?
            2 | default = "claud"
              |           ^^^^^^^
            line 3, column 1: [agents.mine] has no kind: add kind = "claude", "acp", "plain" or "demo"
            3 | [agents.mine]
              | ^^^^^^^^^^^^^
        "#]],
    );
    assert_refused(
        "[agents.demo]\nkind = \"claude\"\n[agents.claude]\npermission_mode = \"acceptedits\"\n",
        expect![[r#"
            line 1, column 1: [agents.demo] is of kind "claude" and needs a command: add command = "claude"
            1 | [agents.demo]
              | ^^^^^^^^^^^^^
            line 4, column 19: 'permission_mode' in [agents.claude] must be one of "default", "acceptEdits", "plan", "auto", "manual", "dontAsk", "bypassPermissions", not "acceptedits"; did you mean 'acceptEdits'?
            4 | permission_mode = "acceptedits"
              |                   ^^^^^^^^^^^^^
        "#]],
    );
    assert_refused(
        "[agents]\ndefault = { kind = \"demo\" }\n[agents.\"a b\"]\nkind = \"cloud\"\n",
        expect![[r#"
            line 2, column 11: 'default' is a key of [agents], so [agents.default] can't be a table: choose another name
            2 | default = { kind = "demo" }
              |           ^^^^^^^^^^^^^^^^^
            line 3, column 9: 'a b' is not a valid name in [agents]: use 1 to 64 letters, digits, '-' and '_'
            3 | [agents."a b"]
              |         ^^^^^
        "#]],
    );
    assert_refused(
        "[agents.claude]\ncommand = \"\"\npass_env = [\"A\", \"B=1\"]\nenv = { \"X Y\" = \"1\" }\n",
        expect![[r#"
            line 2, column 11: 'command' in [agents.claude] must not be empty; delete the line to use the default
            2 | command = ""
              |           ^^
            line 3, column 18: an item of 'pass_env' in [agents.claude] must be the name of an environment variable, such as "HOME"
            3 | pass_env = ["A", "B=1"]
              |                  ^^^^^
            line 4, column 9: 'X Y' in [agents.claude.env] must be the name of an environment variable, such as "HOME"
            4 | env = { "X Y"…
              |         ^^^^^
        "#]],
    );
}

#[test]
fn invalid_plugin_keys_are_reported() {
    assert_refused(
        "[plugins.mine]\ngrants = [\"log\", \"session-contol\"]\nacts_as = \"admin\"\n[plugins.time]\n",
        expect![[r#"
            line 2, column 18: an item of 'grants' in [plugins.mine] must be one of "context", "log", "config", "state", "catalog", "sessions", "session-control", "requests", "attachments", "chat", "plugin-control", "access-control", not "session-contol"; did you mean 'session-control'?
            2 | grants = ["log", "session-contol"]
              |                  ^^^^^^^^^^^^^^^^
            line 3, column 11: 'acts_as' in [plugins.mine] must be "owner", not "admin"
            3 | acts_as = "admin"
              |           ^^^^^^^
            line 4, column 1: 'time' is a key of [plugins], so [plugins.time] can't be a table: choose another name
            4 | [plugins.time]
              | ^^^^^^^^^^^^^^
        "#]],
    );
    assert_refused(
        "[plugins]\nlifecycle = \"a/b.wasm\"\nfolder = \"~/x\"\n[plugins.x.config]\na.b = [1, inf]\n",
        expect![[r#"
            line 2, column 13: 'lifecycle' in [plugins] must be the name of a plugin file without ".wasm" (1 to 32 of a-z, 0-9, '-' and '_'), not "a/b.wasm"
            2 | lifecycle = "a/b.wasm"
              |             ^^^^^^^^^^
            line 3, column 10: 'folder' in [plugins] must be a full path: '~' in "~/x" is not expanded
            3 | folder = "~/x"
              |          ^^^^^
            line 5, column 11: an item of 'a' in [plugins.x.config] must be a number that JSON can represent: inf, nan and integers beyond 64 bits are not allowed
            5 | a.b = [1, inf]
              |           ^^^
        "#]],
    );
}

#[test]
fn an_invalid_log_setting_is_reported() {
    assert_refused(
        "[log]\nformat = \"xml\"\n[log.levels]\n\"cordboard::hub\" = \"loud\"\n\"a=b\" = \"info\"\n",
        expect![[r#"
            line 2, column 10: 'format' in [log] must be one of "auto", "text", "json", "journald", not "xml"
            2 | format = "xml"
              |          ^^^^^
            line 4, column 20: 'cordboard::hub' in [log.levels] must be one of "off", "error", "warn", "info", "debug", "trace", not "loud"
            4 | "cordboard::hub" = "loud"
              |                    ^^^^^^
            line 5, column 1: 'a=b' in [log.levels] must be the name of a crate or a module, such as cordboard::hub
            5 | "a=b"…
              | ^^^^^
        "#]],
    );
}

#[test]
fn invalid_session_names_and_folders_are_reported() {
    assert_refused(
        "[sessions]\ndefault = \"a b\"\nroots = [\"/a\", \"b\"]\n[sessions.folders]\nx = \"rel\"\n\"y z\" = \"/y\"\n",
        expect![[r#"
            line 2, column 11: 'default' in [sessions] must be a session name: 1 to 64 letters, digits, '-' and '_'
            2 | default = "a b"
              |           ^^^^^
            line 3, column 16: an item of 'roots' in [sessions] must be an absolute path, such as "/home/me/project", not "b"
            3 | roots = ["/a", "b"]
              |                ^^^
            line 5, column 5: 'x' in [sessions.folders] must be an absolute path, such as "/home/me/project", not "rel"
            5 | x = "rel"
              |     ^^^^^
            line 6, column 1: 'y z' in [sessions.folders] must be a session name: 1 to 64 letters, digits, '-' and '_'
            6 | "y z"…
              | ^^^^^
        "#]],
    );
}

#[test]
fn invalid_toml_is_reported() {
    assert_refused(
        "[sessions]\nqueue = 5\nqueue = 6\n",
        expect![[r#"
            line 3, column 1: 'queue' appears twice: remove one
            3 | queue…
              | ^^^^^
        "#]],
    );
    assert_refused(
        "[sessions\nqueue = 5\n",
        expect![[r#"
        line 1, column 10: invalid TOML: unclosed table, expected `]`
        1 | [sessions
          |          ^
    "#]],
    );
    assert_refused(
        "[sessions]\nidle_timeout = 10m\n",
        expect![[r#"
        line 2, column 16: invalid TOML: string values must be quoted, expected literal string
        2 | idle_timeout = 10m
          |                ^^^
    "#]],
    );
    assert_refused(
        "[sessions]\nidle_timeout = \"10m\n",
        expect![[r#"
        line 2, column 20: invalid TOML: invalid basic string, expected `"`
        2 | idle_timeout = "10m
          |                    ^
    "#]],
    );
    assert_refused(
        "[sessions]\n[sessions]\n",
        expect![[r#"
            line 2, column 2: 'sessions' appears twice: remove one
            2 | [sessions]
              |  ^^^^^^^^
        "#]],
    );
    assert_refused(
        &"[".repeat(10_000),
        expect![[r#"
        line 1, column 3: invalid TOML: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`
        1 | [[…
          |   ^
    "#]],
    );
}

#[test]
fn a_url_needs_a_scheme_and_host() {
    assert_refused(
        "[telegram]\napi_url = \"api.telegram.org\"\n",
        expect![[r#"
        line 2, column 11: 'api_url' in [telegram] must begin with https:// or http:// and a host, not "api.telegram.org"
        2 | api_url = "api.telegram.org"
          |           ^^^^^^^^^^^^^^^^^^
    "#]],
    );
    let config = load("[telegram]\napi_url = \"http://127.0.0.1:81/\"\n").expect("the address of a fake server");
    assert_eq!(config.telegram.api_url, "http://127.0.0.1:81");
}

#[test]
fn secrets_are_not_repeated() {
    assert_refused(
        "[telegram]\ntoken_file = \"12345:AAbbCCddEEffGGhhIIjjKKll\"\n",
        expect![[r#"
        line 2, column 14: 'token_file' in [telegram] must be the path of a file with the token, not the token itself
        2 | token_file = …
          |              ^
    "#]],
    );
    assert_refused(
        "[agents.claude]\nenv = { KEY = \"secret\", B = 1, C = \"secret\" }\n",
        expect![[r#"
        line 2, column 29: 'B' in [agents.claude.env] must be text in quotes
        2 | …, B = …
          |        ^
    "#]],
    );
}

#[test]
fn columns_count_characters_with_any_line_ending() {
    assert_refused(
        "\u{feff}[sessions]\r\n\"éé\" = 1\r\nqueue = \"é\"\r\n",
        expect![[r#"
            line 2, column 1: unknown key 'éé' in [sessions]; known keys: busy, default, folders, idle_timeout, interrupted, kept, queue, roots, stall
            2 | "éé"…
              | ^^^^
            line 3, column 9: 'queue' in [sessions] must be a whole number, not "é"
            3 | queue = "é"
              |         ^^^
        "#]],
    );
}

#[test]
fn a_very_long_error_is_cut() {
    let text: String = (0..30).map(|n| format!("key{n} = 1\n")).collect();
    let error = load(&text).expect_err("thirty unknown keys");
    assert_eq!(error.faults().len(), 20);
    assert!(error.to_string().ends_with("and 10 more errors"), "{error}");
    let text: String = (0..21).map(|n| format!("key{n} = 1\n")).collect();
    let error = load(&text).expect_err("one more unknown key than an error lists").to_string();
    assert!(error.ends_with("\nand 1 more error"), "{error}");
    assert_refused(
        &format!("[sessions]\nroots = [{} \"{}\"]", "\"/a\", ".repeat(30), "x".repeat(200)),
        expect![[r#"
            line 2, column 191: an item of 'roots' in [sessions] must be an absolute path, such as "/home/me/project", not "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"
            2 | … "/a", "/a", "/a", "/a", "/a", "/a", "/a", "/a",  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
              |                                                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn the_lifecycle_key_excludes_a_table_of_that_name() {
    assert_refused(
        "[plugins]\nlifecycle = \"lifecycle\"\n[plugins.lifecycle]\ngrants = []\n",
        expect![[r#"
        line 3, column 10: 'lifecycle' appears twice: to use a table [plugins.lifecycle], remove lifecycle = "lifecycle", which is the default
        3 | [plugins.lifecycle]
          |          ^^^^^^^^^
    "#]],
    );
}

#[test]
fn a_byte_order_mark_in_the_middle_is_named() {
    for text in [
        "[access]\nowner = 1\n\u{feff}[sessions]\n",
        "[access]\n\u{feff}owner = 1\n",
        "[access]\nowner \u{feff}= 1\n",
        "[telegram]\ntoken_file = \"\u{feff}/etc/token\"\n",
        "[agents.a]\nkind = \"demo\u{feff}\"\n",
        "[agents.a]\nkind = \"demo\"\nargs = [\"-x\u{feff}\"]\n",
        "[agents.\"a\u{feff}\"]\nkind = \"demo\"\n",
        "[sessions.folders]\n\"p\u{feff}\" = \"/srv\"\n",
    ] {
        let shown = load(text).expect_err(text).to_string();
        assert!(shown.contains("this line contains a byte order mark (U+FEFF)"), "{text:?}: {shown}");
    }
}

#[test]
fn faults_in_a_line_with_a_byte_order_mark_are_one() {
    assert_refused(
        "[access]\nowner = { one = 1, \u{feff}two = 2, three = 3 }\nadmins = 5\n",
        expect![[r#"
        line 2, column 20: this line contains a byte order mark (U+FEFF), which most editors don't show: delete the line and type it again
        2 | owner = …
          |         ^
    "#]],
    );
    assert_refused(
        "[sessions.folders]\n\"a b\" = \"\u{feff}\"\n[agents.env]\nx = { kind = 1, y = \"\u{feff}\", z = 3 }\n",
        expect![[r#"
            line 2, column 10: this line contains a byte order mark (U+FEFF), which most editors don't show: delete the line and type it again
            2 | "a b" = …
              |         ^
            line 3, column 1: [agents.env] has no kind: add kind = "claude", "acp", "plain" or "demo"
            3 | [agents.env]
              | ^^^^^^^^^^^^
            line 4, column 22: this line contains a byte order mark (U+FEFF), which most editors don't show: delete the line and type it again
            4 | x = …
              |     ^
        "#]],
    );
}

#[test]
fn excerpts_contain_no_control_characters() {
    let error = load("[log]\nformat = \"auto\"\u{b}}\n").unwrap_err();
    assert_eq!(error.excerpt().matches(|c: char| c.is_control() && c != '\n').count(), 0, "{error:?}");
}
