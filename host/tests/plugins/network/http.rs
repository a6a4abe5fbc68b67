//! Tests plugin requests over real local connections: the host sends only granted requests. If the operator could grant
//! a denied request, the error names the configuration line to add.

use super::{Mirror, UnusedPort, http_client, raw, table};
use crate::{components::bad, sample_sessions::NOW, test_host::TestHost};

fn to(address: &str) -> [String; 1] {
    [format!("http://{address}/*")]
}

/// Makes the plugin request `/` from a server that sends `answer`, and returns the plugin's reply.
async fn answered(answer: &str, more: &str) -> String {
    let address = raw(answer).await;
    http_client(&to(&address), more).await.read(&format!("fetch http://{address}/")).await
}

#[tokio::test]
async fn granted_requests_are_answered() {
    let mirror = Mirror::start().await;
    let test_host = http_client(&[mirror.url("/api/*")], "").await;
    let shown = test_host.read(&format!("fetch {} x-mine=2", mirror.url("/api/x?y=1"))).await;
    assert!(shown.starts_with("200 GET /api/x?y=1\n"), "{shown}");
    assert!(shown.contains("x-mine: 2") && shown.contains(&format!("host: {}", mirror.address)), "{shown}");
    let refused = test_host.read(&format!("fetch {}", mirror.url("/other?z=1"))).await;
    let line = format!(
        "[plugins.http_client] in the configuration: http = [\"{}\", \"{}\"]",
        mirror.url("/api/*"),
        mirror.url("/other")
    );
    let what = format!("GET {} was not granted", mirror.url("/other"));
    assert_eq!(refused, format!("{what}; add to {line}"));
    assert_eq!(mirror.count(), 1, "a denied request is not sent");
}

#[tokio::test]
async fn the_line_named_by_a_refusal_is_sufficient() {
    let mirror = Mirror::start().await;
    let mut test_host = http_client(&["https://else.example/*".to_owned()], "").await;
    for line in [format!("fetch {}", mirror.url("/a")), format!("send POST {} body", mirror.url("/b"))] {
        let refused = test_host.read(&line).await;
        let (_, list) = refused.split_once("[plugins.http_client] in the configuration: http = ").expect(&refused);
        let http: Vec<String> = serde_json::from_str(list).unwrap();
        test_host.configure(&table(&http, ""));
        test_host.registry.reconfigure("http_client", &test_host.settings("http_client"), NOW).await.unwrap();
        let shown = test_host.read(&line).await;
        assert!(shown.starts_with("200 "), "{shown}");
    }
    assert!(mirror.last().ends_with("\nbody"), "{}", mirror.last());
}

#[tokio::test]
async fn cloud_metadata_addresses_cannot_be_granted() {
    let test_host = http_client(&["https://else.example/*".to_owned()], "").await;
    let shown = test_host.read("fetch http://169.254.169.254/latest/meta-data/").await;
    let why = "this is the metadata address where clouds provide credentials";
    assert_eq!(shown, format!("requests to http://169.254.169.254 are never allowed: {why}"));
    assert_eq!(
        test_host.read("knock 169.254.169.254 80").await,
        format!("connections to 169.254.169.254 are never allowed: {why}")
    );
}

#[tokio::test]
async fn network_capabilities_need_their_lists() {
    let mut test_host = TestHost::new();
    let why = test_host.refused("http_client", &bad("http_client")).await;
    let lines = r#"[plugins.http_client] in the configuration: http = ["https://HOST/*"] and tcp = ["HOST:PORT"] and secrets = ["NAME"]"#;
    let asks = "it requests capabilities that it was not granted: http, tcp, secrets";
    assert_eq!(why, format!("{asks}; add to {lines}"));
    test_host.configure("[plugins.http_client]\nhttp = [\"https://a.example/*\"]\ntcp = [\"a.example:1\"]");
    let why = test_host.refused("http_client", &bad("http_client")).await;
    assert!(why.ends_with(r#"[plugins.http_client] in the configuration: secrets = ["NAME"]"#), "{why}");
}

#[tokio::test]
async fn removed_network_grants_are_revoked_at_once() {
    let mirror = Mirror::start().await;
    let mut test_host = http_client(&[mirror.url("/a/*"), mirror.url("/b/*")], "").await;
    test_host.configure(&table(&[mirror.url("/a/*")], ""));
    test_host.registry.reconfigure("http_client", &test_host.settings("http_client"), NOW).await.unwrap();
    assert!(test_host.read(&format!("fetch {}", mirror.url("/a/x"))).await.starts_with("200"));
    assert!(test_host.read(&format!("fetch {}", mirror.url("/b/x"))).await.contains("was not granted"));
    // The new settings no longer permit the active version, so the host must deactivate it.
    test_host.configure("");
    let why = test_host.registry.reconfigure("http_client", &test_host.settings("http_client"), NOW).await.unwrap_err();
    let (health, note) = test_host.status("http_client");
    assert!(health == "pending approval" && note.ends_with(&why.to_string()), "{health}: {note}");
    assert!(test_host.registry.snapshot().command("fetch").is_none());
}

#[tokio::test]
async fn connection_headers_are_refused() {
    let mirror = Mirror::start().await;
    let test_host = http_client(&mirror.all(), "").await;
    for name in [
        "Host",
        "connection",
        "Transfer-Encoding",
        "upgrade",
        "te",
        "trailer",
        "expect",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
    ] {
        let refused = test_host.read(&format!("fetch {} {name}=evil.example", mirror.url("/"))).await;
        assert_eq!(refused, format!("the request has an invalid header: {name}"));
    }
    let refused = test_host.read(&format!("fetch {} bad(name=1", mirror.url("/"))).await;
    assert!(refused.starts_with("the request has an invalid header"), "{refused}");
    assert_eq!(mirror.count(), 0);
    test_host.read(&format!("fetch {} accept-encoding=gzip content-length=0", mirror.url("/"))).await;
    let request = mirror.last();
    assert!(request.contains("accept-encoding: identity") && !request.contains("gzip"), "{request}");
}

#[tokio::test]
async fn methods_need_their_own_grant() {
    let mirror = Mirror::start().await;
    let url = mirror.url("/x");
    let test_host = http_client(&[mirror.url("/*"), format!("PUT {}", mirror.url("/x"))], "").await;
    assert_eq!(test_host.read(&format!("send HEAD {url} ")).await, "an argument is missing");
    assert!(test_host.read(&format!("send PUT {url} body")).await.starts_with("200 PUT /x\n"));
    for method in ["POST", "DELETE"] {
        let refused = test_host.read(&format!("send {method} {url} body")).await;
        assert!(refused.starts_with(&format!("{method} {url} was not granted")), "{refused}");
    }
    assert_eq!(mirror.count(), 1);
}

#[tokio::test]
async fn an_ambiguous_address_is_refused() {
    let mirror = Mirror::start().await;
    let test_host = http_client(&[mirror.url("/api/*")], "").await;
    let address = &mirror.address;
    for url in [
        format!("http://{address}/api/../x"),
        format!("http://{address}/api/%2e%2e/x"),
        format!("http://me:word@{address}/api/x"),
        format!("http://{address}@evil.example/api/x"),
        format!("ftp://{address}/api/x"),
        format!("https://{address}/api/x"),
    ] {
        let shown = test_host.read(&format!("fetch {url}")).await;
        assert!(!shown.starts_with("200"), "{url}: {shown}");
    }
    assert_eq!(mirror.count(), 0);
}

#[tokio::test]
async fn private_addresses_need_the_operators_permission() {
    let mirror = Mirror::start().await;
    let port = mirror.address.rsplit(':').next().unwrap();
    let http = [format!("http://localhost:{port}/*")];
    let line = format!("fetch http://LOCALHOST:{port}/");
    let refused = http_client(&http, "").await.read(&line).await;
    assert!(refused.starts_with("localhost resolves to ") && refused.contains("(this machine)"), "{refused}");
    assert!(
        refused.ends_with("add to [plugins.http_client] in the configuration: private = [\"localhost\"]"),
        "{refused}"
    );
    assert_eq!(mirror.count(), 0);
    let shown = http_client(&http, "private = [\"localhost\"]").await.read(&line).await;
    assert!(shown.starts_with("200") && shown.contains(&format!("host: localhost:{port}")), "{shown}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let mirror = Mirror::start().await;
    let answer = format!("HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", mirror.url("/"));
    let address = raw(answer).await;
    let test_host = http_client(&[format!("http://{address}/*"), mirror.url("/*")], "").await;
    assert_eq!(test_host.read(&format!("fetch http://{address}/")).await, "302");
    assert_eq!(mirror.count(), 0);
}

#[tokio::test]
async fn bodies_are_limited_in_both_directions() {
    let more = "http_body = \"1KiB\"";
    let over = |what: &str| {
        let how = "(raise `http_body` in [plugins.http_client] if the plugin needs more)";
        format!("the body of the {what} has more than 1024 bytes {how}")
    };
    let long = "x".repeat(2000);
    let plain = format!("HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n{long}");
    assert_eq!(answered(&plain, more).await, over("response"));
    let chunked = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n{long}\r\n");
    assert_eq!(answered(&chunked, more).await, over("response"));
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{long}");
    assert_eq!(answered(&endless, more).await, over("response"));
    let mirror = Mirror::start().await;
    let test_host = http_client(&[format!("POST {}", mirror.url("/*"))], more).await;
    assert_eq!(test_host.read(&format!("send POST {} {long}", mirror.url("/"))).await, over("request"));
    assert_eq!(mirror.count(), 0);
}

#[tokio::test]
async fn unanswered_requests_time_out() {
    let more = "http_time = \"100ms\"";
    let late = "this call waited for the network for 100ms, which is its `http_time` limit \
                (raise `http_time` in [plugins.http_client] if the plugin needs more)";
    assert_eq!(answered("", more).await, late);
    assert_eq!(answered("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", more).await, late);
    assert_eq!(answered("HTTP/1.1 200 OK\r\nx: ", more).await, late);
}

#[tokio::test]
async fn request_errors_are_one_line() {
    let mirror = Mirror::start().await;
    let test_host = http_client(&mirror.all(), "").await;
    let address = &mirror.address;
    let shown = test_host.read(&format!("fetch ftp://{address}/x")).await;
    assert_eq!(shown, "'ftp' is not a supported scheme: use https or http");
    let shown = test_host.read(&format!("fetch HTTP://{address}/x")).await;
    assert!(shown.starts_with("200 GET /x\n"), "{shown}");
    let shown = test_host.read(&format!("fetch {}  content-length=7", mirror.url("/x"))).await;
    assert_eq!(
        shown,
        "the Content-Length of the request differs from the length of its body: omit the header, because the host sets it"
    );
}

#[tokio::test]
async fn invalid_responses_are_identified() {
    let odd = answered("220 smtp.example ESMTP\r\n", "").await;
    assert!(odd.starts_with("the server violated the HTTP protocol: "), "{odd}");
    let fields = "x: y\r\n".repeat(1000);
    let odd = answered(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n"), "").await;
    assert!(odd.starts_with("the server violated the HTTP protocol: "), "{odd}");
    let field = "y".repeat(400_000);
    let odd = answered(&format!("HTTP/1.1 200 OK\r\nx: {field}\r\n\r\n"), "").await;
    assert!(odd.starts_with("the server violated the HTTP protocol: "), "{odd}");
    let odd = answered("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "").await;
    assert_eq!(odd, "the server switched to a protocol other than HTTP");
    let packed = answered("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nxx", "").await;
    assert_eq!(packed, "the response is compressed, although that was not requested (Content-Encoding)");
}

#[tokio::test]
async fn unreachable_servers_are_reported_as_such() {
    let nobody = UnusedPort::reserve();
    let address = format!("127.0.0.1:{}", nobody.port);
    let test_host = http_client(&[format!("http://{address}/*"), "http://no-such-host.invalid/*".to_owned()], "").await;
    let shown = test_host.read(&format!("fetch http://{address}/")).await;
    assert_eq!(shown, format!("failed to connect to {address}: connection refused"));
    let shown = test_host.read("fetch http://no-such-host.invalid/").await;
    assert!(shown.starts_with("failed to resolve no-such-host.invalid: "), "{shown}");
}

#[tokio::test]
async fn network_waits_do_not_count_as_computing() {
    // The call may run for 2 s, which is twice `time`. The server takes longer to respond, but network waits don't
    // count.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate").await.unwrap();
    });
    let test_host = http_client(&to(&address), "time = \"1s\"\nhttp_time = \"1m\"").await;
    assert_eq!(test_host.read(&format!("fetch http://{address}/")).await, "200 late");
}

#[tokio::test]
async fn granted_connections_are_measured() {
    let mirror = Mirror::start().await;
    let port = mirror.address.rsplit(':').next().unwrap();
    let nobody = UnusedPort::reserve();
    let silent = nobody.port;
    let test_host = http_client(
        &mirror.all(),
        &format!("tcp = [\"127.0.0.1:{port}\", \"127.0.0.1:{silent}\", \"localhost:{port}\"]"),
    )
    .await;
    assert_eq!(test_host.read(&format!("knock 127.0.0.1 {port}")).await, "connected, sound");
    let shown = test_host.read(&format!("knock 127.0.0.1 {silent}")).await;
    assert_eq!(shown, format!("failed to connect to 127.0.0.1:{silent}: connection refused"));
    let refused = test_host.read("knock 127.0.0.1 1").await;
    assert!(
        refused.starts_with(
            "a connection to 127.0.0.1:1 was not granted; add to [plugins.http_client] in the configuration: "
        ),
        "{refused}"
    );
    assert!(refused.ends_with(&format!("\"localhost:{port}\", \"127.0.0.1:1\"]")), "{refused}");
    let refused = test_host.read(&format!("knock localhost {port}")).await;
    assert!(refused.ends_with("[plugins.http_client] in the configuration: private = [\"localhost\"]"), "{refused}");
    assert_eq!(mirror.count(), 0, "nothing is sent");
}

#[tokio::test]
async fn only_the_pinned_version_is_activated() {
    let wasm = bad("echo");
    let digest = cordboard_runtime::digest(&wasm);
    let mut test_host = TestHost::of(&format!("[plugins.echo]\nsha256 = \"{digest}\""));
    test_host.plug("echo", &wasm).await.unwrap();
    let why = test_host.refused("echo", &bad("echo_v2")).await;
    let other = cordboard_runtime::digest(&bad("echo_v2"));
    assert_eq!(
        why,
        format!(
            "[plugins.echo] sha256 does not allow this version: its digest is {other}, the allowed one is {digest}"
        )
    );
    assert_eq!(test_host.read("echo hi").await, "v1: hi");
    // Adding a pin deactivates an active version that doesn't match it.
    test_host.configure(&format!("[plugins.echo]\nsha256 = \"{other}\""));
    test_host.registry.reconfigure("echo", &test_host.settings("echo"), NOW).await.unwrap_err();
    assert!(test_host.registry.snapshot().command("echo").is_none());
    test_host.plug("echo", &bad("echo_v2")).await.unwrap();
}
