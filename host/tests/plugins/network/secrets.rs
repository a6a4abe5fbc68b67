//! Tests secrets, which plugins can send in requests but can't read.

use std::{fs, io::Write, os::unix::fs::PermissionsExt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use tempfile::NamedTempFile;

use super::{Mirror, http_client, raw};
use crate::{components::bad, test_host::TestHost, thread_log};

pub const VALUE: &str = "hunter2/and+more=";

/// Creates a file that contains `secret` and that only its owner can read.
pub fn file(secret: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    writeln!(file, "{secret}").unwrap();
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
    file
}

/// Activates the `http_client` plugin with access to `mirror`. The plugin's secret comes from `source`.
async fn with_secret(source: &str, mirror: &Mirror) -> TestHost {
    let text = format!(
        "[secrets]\ntoken = {source}\n[plugins.http_client]\nsecrets = [\"token\"]\ntcp = [\"192.0.3.1:9\"]\nhttp = [\"* {}\"]\n",
        mirror.url("/*")
    );
    let host = TestHost::of(&text);
    host.plug("http_client", &bad("http_client")).await.unwrap();
    host
}

fn all(mirror: &Mirror) -> [String; 1] {
    [format!("* {}", mirror.url("/*"))]
}

#[tokio::test]
async fn the_server_gets_the_secret_and_the_plugin_a_placeholder() {
    let mirror = Mirror::start().await;
    let host = http_client(&all(&mirror), "").await;
    let message = host.read(&format!("bear {} token", mirror.url("/x"))).await;
    let request = mirror.last();
    assert!(request.contains(&format!("authorization: Bearer {VALUE}\n")) && request.ends_with(VALUE), "{request}");
    assert!(!message.contains(VALUE), "{message}");
    // The host replaces the echoed secret in the response with the secret's placeholder.
    let placeholder = message.rsplit('\n').next().unwrap();
    assert!(
        placeholder.starts_with("secret-") && message.contains(&format!("authorization: Bearer {placeholder}")),
        "{message}"
    );
    let again = host.read(&format!("bear {} token", mirror.url("/x"))).await;
    assert!(!again.contains(placeholder), "each call has a new placeholder");
}

#[tokio::test]
async fn a_placeholder_is_valid_only_in_its_call() {
    let mirror = Mirror::start().await;
    let host = http_client(&all(&mirror), "").await;
    let message = host.read(&format!("bear {} token", mirror.url("/x"))).await;
    let placeholder = message.rsplit('\n').next().unwrap();
    host.read(&format!("send POST {} {placeholder}", mirror.url("/x"))).await;
    assert!(mirror.last().ends_with(placeholder), "{}", mirror.last());
}

#[tokio::test]
async fn encoded_echoes_are_scrubbed() {
    let base64 = |text: &str| STANDARD.encode(text);
    let forms = [
        VALUE.to_owned(),
        "hunter2%2Fand%2Bmore%3D".to_owned(),
        "hunter2%2fand%2bmore%3d".to_owned(),
        "hunter2\\/and+more=".to_owned(),
        base64(VALUE),
        base64(&format!("me:{VALUE}")),
        base64(&format!("root@pam!{VALUE}")),
        base64(&format!("x{VALUE}")),
        VALUE.bytes().map(|byte| format!("{byte:02x}")).collect(),
        VALUE.bytes().map(|byte| format!("{byte:02X}")).collect(),
        VALUE.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        VALUE.bytes().map(|byte| format!("\\u00{byte:02X}")).collect(),
    ];
    for form in forms {
        let body = format!("before {form} after");
        let address =
            raw(format!("HTTP/1.1 200 OK\r\nx-echo: {form}\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
        let host = http_client(&[format!("http://{address}/*")], "").await;
        let message = host.read(&format!("fetch http://{address}/")).await;
        assert!(message.starts_with("200 before ") && message.contains("secret-"), "{message}");
        assert!(!message.contains(&form) && !message.contains("hunter2"), "{message}");
    }
}

#[tokio::test]
async fn echoes_in_html_or_forms_are_scrubbed() {
    let file = file("a 'b' & <c>d");
    let forms = ["a &#39;b&#39; &amp; &lt;c&gt;d", "a+%27b%27+%26+%3Cc%3Ed", "a 'b' \\u0026 \\u003cc\\u003ed"];
    for form in forms {
        let address = raw(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{form}", form.len())).await;
        let host =
            with_secret(&format!("{:?}", file.path()), &Mirror { address: address.clone(), requests: Arc::default() })
                .await;
        let message = host.read(&format!("fetch http://{address}/")).await;
        assert!(message.starts_with("200 secret-") && !message.contains("c&gt") && !message.contains('%'), "{message}");
    }
}

/// Demonstrates a limitation of scrubbing that `plugins/README.md` documents.
#[tokio::test]
async fn echoes_in_an_unknown_encoding_are_not_scrubbed() {
    let disguise: String = VALUE.chars().rev().collect();
    let address = raw(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{disguise}", disguise.len())).await;
    let host = http_client(&[format!("http://{address}/*")], "").await;
    assert_eq!(host.read(&format!("fetch http://{address}/")).await, format!("200 {disguise}"));
}

#[tokio::test]
async fn basic_credentials_receive_their_secret() {
    let mirror = Mirror::start().await;
    let host = http_client(&all(&mirror), "").await;
    host.read(&format!("basic {} token", mirror.url("/x"))).await;
    let request = mirror.last();
    assert!(
        request.contains(&format!("authorization: Basic {}\n", STANDARD.encode(format!("me:{VALUE}")))),
        "{request}"
    );
}

#[tokio::test]
async fn secrets_are_not_sent_in_urls_or_to_other_hosts() {
    let mirror = Mirror::start().await;
    let host = http_client(&all(&mirror), "").await;
    let refused = host.read(&format!("leak {}?key= token", mirror.url("/x"))).await;
    assert!(refused.starts_with("a secret must not be part of a URL"), "{refused}");
    let other = Mirror::start().await;
    let refused = host.read(&format!("bear {} token", other.url("/x"))).await;
    assert!(refused.contains("was not granted"), "{refused}");
    let refused = host.read(&format!("fetch {} range=bytes=0-3", mirror.url("/x"))).await;
    assert!(refused.contains("must not request parts"), "{refused}");
    assert_eq!((mirror.count(), other.count()), (0, 0));
}

#[tokio::test]
async fn an_ungranted_secret_does_not_exist() {
    let mirror = Mirror::start().await;
    let host = http_client(&all(&mirror), "").await;
    let refused = host.read(&format!("bear {} other", mirror.url("/x"))).await;
    let line = r#"[plugins.http_client] in the configuration: secrets = ["token", "other"]"#;
    assert_eq!(refused, format!(r#"the secret "other" was not granted; add to {line}"#));
    assert_eq!(mirror.count(), 0);
}

/// The limit applies to the body that is sent, which contains the secret instead of its short placeholder.
#[tokio::test]
async fn the_body_limit_counts_substituted_secrets() {
    let mirror = Mirror::start().await;
    for (long, fits) in [(1000, true), (1025, false)] {
        let file = file(&"s".repeat(long));
        let text = format!(
            "[secrets]\ntoken = {:?}\n[plugins.http_client]\nsecrets = [\"token\"]\ntcp = [\"192.0.3.1:9\"]\nhttp = [\"* {}\"]\nhttp_body = \"1KiB\"\n",
            file.path(),
            mirror.url("/*")
        );
        let host = TestHost::of(&text);
        host.plug("http_client", &bad("http_client")).await.unwrap();
        let message = host.read(&format!("bear {} token", mirror.url("/x"))).await;
        let refused = message.starts_with("the body of the request has more than 1024 bytes");
        assert_eq!((mirror.count(), refused), (1, !fits), "{message}");
    }
}

#[tokio::test]
async fn replies_logs_and_errors_contain_no_secrets() {
    let mirror = Mirror::start().await;
    let host = http_client(&all(&mirror), "").await;
    let log = thread_log::start();
    // The user types the secret, so the plugin learns it.
    let answer = host.read(&format!("fetch http://other.example/{VALUE}")).await;
    assert!(answer.starts_with("GET http://other.example/(secret token) was not granted"), "{answer}");
    let answer = host.read(&format!("say {VALUE}")).await;
    assert_eq!(answer, "(secret token)");
    assert_eq!(host.memory.actions().len(), 0);
    let log = log.text();
    assert!(log.contains("request denied") && log.contains("(secret token)"), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
    let trapped = host.call(&format!("fall {VALUE}")).await.unwrap_err().to_string();
    assert!(trapped.contains("(secret token)") && !trapped.contains("hunter2"), "{trapped}");
    assert!(!host.status("http_client").1.contains("hunter2"));
}

/// The plugin escapes plain text for Markdown, and the chat shows it unescaped.
#[tokio::test]
async fn a_markdown_escaped_secret_is_scrubbed() {
    let (mirror, file) = (Mirror::start().await, file("hunter2/=&x*y_z"));
    let host = with_secret(&format!("{:?}", file.path()), &mirror).await;
    let text = async |line: &str| host.call(line).await.unwrap().text;
    assert!(text("say 2/=&x*y").await.contains("\\&x\\*y"), "the text is escaped");
    let part = text("say hunter2/=&x*y").await;
    assert!(part.contains("(secret token)") && !part.contains("hunter2"), "a part is scrubbed too: {part}");
    let answer = text("say hunter2/=&x*y_z").await;
    assert!(answer.contains("(secret token)") && !answer.contains("hunter2"), "{answer}");
}

#[tokio::test]
async fn a_secret_is_read_again_for_each_call() {
    let mirror = Mirror::start().await;
    let file = file("first-secret");
    let host = with_secret(&format!("{:?}", file.path()), &mirror).await;
    let line = format!("bear {} token", mirror.url("/x"));
    host.read(&line).await;
    assert!(mirror.last().ends_with("first-secret"));
    fs::write(file.path(), "second-secret\n").unwrap();
    host.read(&line).await;
    assert!(mirror.last().ends_with("second-secret"));
}

#[tokio::test]
async fn an_unusable_secret_file_is_only_logged() {
    let mirror = Mirror::start().await;
    for (text, mode, why) in [
        ("open-to-all", 0o644, "other users can read it (mode 644): run chmod 600"),
        ("short", 0o600, "must contain a secret of 6 to 8192 bytes, not 5"),
        ("two\nlines-of-it", 0o600, "must contain only the secret, on one line"),
    ] {
        let file = file(text);
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
        let host = with_secret(&format!("{:?}", file.path()), &mirror).await;
        let log = thread_log::start();
        let answer = host.read(&format!("bear {} token", mirror.url("/x"))).await;
        assert_eq!(answer, "the secret 'token' cannot be read: see the log, and [secrets] token in the configuration");
        let log = log.text();
        assert!(log.contains(why) && !log.contains(text), "{log}");
    }
    let pipe = tempfile::tempdir().unwrap();
    let pipe = pipe.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    let host = with_secret(&format!("{pipe:?}"), &mirror).await;
    let answer = host.read(&format!("bear {} token", mirror.url("/x"))).await;
    assert!(answer.starts_with("the secret 'token' cannot be read"), "{answer}");
    let host = with_secret("{ credential = \"nothing-of-that-name\" }", &mirror).await;
    assert!(
        host.read(&format!("bear {} token", mirror.url("/x"))).await.starts_with("the secret 'token' cannot be read")
    );
    assert_eq!(mirror.count(), 0);
}
