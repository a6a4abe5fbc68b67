//! Tests the parsing of network grants and secrets, and that errors do not show secrets.

use expect_test::expect;

use super::{
    super::{SecretSource, diff, load},
    assert_refused,
};

const GOOD: &str = r#"
[secrets]
pbs = "/etc/cordboard/pbs.token"
beszel = { credential = "beszel" }

[plugins.pbs]
http = ["https://pbs.lan:8007/api2/*", "POST https://pbs.lan:8007/api2/json/access/ticket"]
tcp = ["pbs.lan:8007"]
secrets = ["pbs"]
private = ["PBS.lan"]
ca = "/etc/cordboard/pbs.pem"
sha256 = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08"
http_time = "1m"
http_body = "1MiB"
"#;

#[test]
fn network_grants_are_parsed() {
    let config = load(GOOD).unwrap();
    let network = config.plugins.network_grants_of("pbs");
    assert_eq!(network.http[0].as_str(), "https://pbs.lan:8007/api2/*");
    assert_eq!((network.http.len(), network.tcp[0].port), (2, 8007));
    assert!(network.private.contains("pbs.lan") && network.has_secret("pbs"));
    assert_eq!(config.plugins.sha256_of("pbs").unwrap().len(), 64);
    assert_eq!(config.secrets["pbs"], SecretSource::File("/etc/cordboard/pbs.token".into()));
    assert_eq!(config.secrets["beszel"], SecretSource::Credential("beszel".to_owned()));
    assert_eq!(config.plugins.limits_of("pbs").http_body, 1 << 20);
    assert_eq!(config.plugins.network_grants_of("other"), super::super::NetworkGrants::default());
}

#[test]
fn a_moved_secret_changes_only_its_users() {
    let old = load(GOOD).unwrap();
    let moved = |from: &str, to: &str| diff(&old, &load(&GOOD.replace(from, to)).unwrap());
    assert!(moved("pbs.token", "new.token").plugins["pbs"].network);
    assert!(moved("8007/api2/*", "8007/*").plugins["pbs"].network);
    assert!(moved("9F86", "0000").plugins["pbs"].network);
    assert!(moved("\"beszel\" }", "\"other\" }").plugins.is_empty(), "no plugin uses it");
}

#[test]
fn invalid_grants_are_reported_at_their_item() {
    assert_refused(
        "[plugins.pbs]\nhttp = [\"https://pbs.lan/*\", \"https://pbs.lan\"]\ntcp = [\"pbs.lan\"]\nprivate = [\"10.0.0.1\"]\nca = \"pbs.pem\"\nsha256 = \"abc\"\nsecrets = [\"pbs\"]\n",
        expect![[r#"
            line 2, column 30: an item of 'http' in [plugins.pbs] must look like "https://pbs.lan:8007/*" or "POST https://pbs.lan:8007/*", not "https://pbs.lan": add a path, or /* for all paths
            2 | http = ["https://pbs.lan/*", "https://pbs.lan"]
              |                              ^^^^^^^^^^^^^^^^^
            line 3, column 8: an item of 'tcp' in [plugins.pbs] must be a host and a port, such as "pbs.lan:8007", not "pbs.lan"
            3 | tcp = ["pbs.lan"]
              |        ^^^^^^^^^
            line 4, column 12: an item of 'private' in [plugins.pbs] must be a host name, not "10.0.0.1": a granted IP address needs no entry here
            4 | private = ["10.0.0.1"]
              |            ^^^^^^^^^^
            line 5, column 6: 'ca' in [plugins.pbs] must be an absolute path, such as "/home/me/project", not "pbs.pem"
            5 | ca = "pbs.pem"
              |      ^^^^^^^^^
            line 6, column 10: 'sha256' in [plugins.pbs] must be a SHA-256 digest of 64 hexadecimal digits, as sha256sum prints it
            6 | sha256 = "abc"
              |          ^^^^^
            line 7, column 12: an item of 'secrets' in [plugins.pbs] must be the name of a secret: add NAME = "/path/to/its/file" to [secrets], and write NAME here
            7 | secrets = […
              |            ^
        "#]],
    );
}

#[test]
fn a_password_in_an_address_is_not_shown() {
    assert_refused(
        "[plugins.pbs]\nhttp = [\"https://me:hunter2@pbs.lan/*\"]\n",
        expect![[r#"
        line 2, column 9: an item of 'http' in [plugins.pbs] must not contain a user name or a password: add them to [secrets], and let the plugin send them in a header
        2 | http = […
          |         ^
    "#]],
    );
}

#[test]
fn an_inline_secret_is_not_shown() {
    let error = load("[secrets]\npbs = \"hunter2-hunter2\"\n").expect_err("it is not a path");
    let shown = format!("{}\n{error}\n{error:?}", error.excerpt());
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_refused(
        "[secrets]\npbs = \"hunter2\"\nother = { credential = \"../x\" }\nthird = { file = \"/x\" }\nfourth = 4\n\"a b\" = \"/x\"\n",
        expect![[r#"
        line 2, column 7: 'pbs' in [secrets] must be the absolute path of a file with the secret, or { credential = "name" }; do not write the secret itself here
        2 | pbs = …
          |       ^
        line 3, column 9: 'other' in [secrets] must be the name of a systemd credential, such as { credential = "pbs" }
        3 | other = …
          |         ^
        line 4, column 9: 'third' in [secrets] must be the absolute path of a file with the secret, or { credential = "name" }
        4 | third = …
          |         ^
        line 5, column 10: 'fourth' in [secrets] must be the absolute path of a file with the secret, or { credential = "name" }
        5 | fourth = …
          |          ^
        line 6, column 1: 'a b' in [secrets] cannot be the name of a secret: use 1 to 64 letters, digits, '-' and '_'
        6 | "a b"…
          | ^^^^^
    "#]],
    );
}

#[test]
fn no_error_shows_a_secret() {
    const TOKEN: &str = "12345:AAbbCCddEEffGGhhIIjjKKll";
    for text in [
        "[secrets]\npbs = { credential = 770077 }\n",
        "[secrets]\npbs = { credential = \"hunter2\\u0000\" }\n",
        "[secrets]\npbs = { credential = \"hunter2\u{feff}\" }\n",
        "[secrets]\npbs = \"hunter2\u{feff}\"\n",
        "[secrets]\npbs = \"/a\"\nx = [\n\"hunter2\u{feff}\"]\n",
        "[secrets]\npbs = \"hunter2\\u0000\"\n",
        "[secrets]\npbs = [\"hunter2\"]\n",
        "[secrets]\npbs.credential.name = \"hunter2\"\n",
        "[secrets]\n\"a b\" = \"hunter2\"\n",
        "[secrets]\npbs = hunter2\n",
        "[secrets]\npbs = \"hunter2\n",
        "[secrets]\npbs = \"hunter2\\q\"\n",
        "[secrets]\npbs = \"\"\"\nhunter2\\q\"\"\"\n",
        "[secrets]\npbs = \"/a\" hunter2\n",
        "secrets = \"hunter2\"\n",
        "secrets = [\"hunter2\"]\n",
        "secrets = { pbs = \"hunter2\" }\n",
        "secrets.pbs = hunter2\n",
        "secrets = { pbs = 770077, other = 5, \"a b\" = 1 }\n",
        "[telegram]\ntoken_file = 12345:AAbbCCddEEffGGhhIIjjKKll\n",
        "[telegram]\ntoken_file = \"12345:AAbbCCddEEffGGhhIIjjKKll\u{feff}\"\n",
        "[telegram]\ntoken_file = \"12345:AAbbCCddEEffGGhhIIjjKKll\\u0000\"\n",
        "[telegram]\ntoken = \"12345:AAbbCCddEEffGGhhIIjjKKll\"\n",
        "[telegram]\napi_url = \"me:hunter2@127.0.0.1\"\n",
        "[plugins.a]\nsecrets = [\"hunter2\"]\n",
        "[plugins.a]\nsecrets = \"hunter2\"\n",
        "[plugins.a]\nsecrets = [770077]\n",
        "[plugins.a]\nhttp = \"https://me:hunter2@pbs.lan/*\"\n",
        "[plugins.a]\nhttp = [\"https://me:hunter2@pbs.lan/\\u0000\"]\n",
        "[plugins.a]\nwebhook = \"hunter2\"\n",
        "[plugins.a.webhook]\ntoken = \"hunter2\"\n",
        "[plugins.a.webhook]\ntoken = \"hunter2\\u0000\"\n",
        "[plugins.a.webhook]\nhmac = 770077\n",
        "[agents.claude]\nenv = \"KEY=hunter2\"\n",
        "[agents.claude.env]\nKEY = 770077\n",
        "[agents.claude.env]\nKEY = \"hunter2\\u0000\"\n",
        "[agents.claude.env]\nKEY = hunter2\n",
    ] {
        let error = load(text).expect_err(text);
        let shown = format!("{}\n{error}\n{error:?}", error.excerpt());
        for secret in ["hunter2", "770077", TOKEN] {
            assert!(!shown.contains(secret), "{text}\n{shown}");
        }
    }
}

#[test]
fn capabilities_with_their_own_key_are_not_grants() {
    let lines = [
        ("http", "http = [\"https://HOST/*\"]"),
        ("tcp", "tcp = [\"HOST:PORT\"]"),
        ("secrets", "secrets = [\"NAME\"]"),
    ];
    for (word, line) in lines {
        let text = format!("[plugins.mine]\ngrants = [\"chat\", \"{word}\"]\n");
        let error = load(&text).expect_err(word).excerpt();
        let why = format!("an item of 'grants' in [plugins.mine] must not be \"{word}\": write {line} instead\n");
        assert!(error.contains(&why), "{error}");
    }
}

#[test]
fn a_table_with_an_invalid_plugin_name_is_refused() {
    assert_refused(
        "[plugins.Hello]\n[plugins.\"a b\".config]\n",
        expect![[r#"
            line 1, column 10: 'Hello' is not a valid name in [plugins]: use 1 to 32 of a-z, 0-9, '-' and '_'
            1 | [plugins.Hello]
              |          ^^^^^
            line 2, column 10: 'a b' is not a valid name in [plugins]: use 1 to 32 of a-z, 0-9, '-' and '_'
            2 | [plugins."a b"…
              |          ^^^^^
        "#]],
    );
}
