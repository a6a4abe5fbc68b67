//! Requests of plugins over real connections on this machine: what was granted is answered, all else is refused with the line to add.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, Method, Uri},
};

use crate::components::{Bench, bad};

/// A server that tells what it was asked, and keeps it.
#[derive(Clone)]
pub struct Mirror {
    pub address: String,
    pub heard: Arc<Mutex<Vec<String>>>,
}

impl Mirror {
    pub async fn start() -> Self {
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&heard);
        let answer = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
            let mut lines = vec![format!("{method} {uri}")];
            let shown =
                headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
            lines.extend(shown);
            lines.push(String::from_utf8_lossy(&body).into_owned());
            let told = lines.join("\n");
            kept.lock().unwrap().push(told.clone());
            told
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        Self { address, heard }
    }
}

/// The plugin that sends what it is told to, under `table`.
pub async fn fetcher(table: &str) -> Bench {
    let bench = Bench::of(table);
    bench.plug("fetcher", &bad("fetcher")).await.unwrap_or_else(|refused| panic!("{refused}"));
    bench
}

#[tokio::test]
async fn what_was_granted_is_answered() {
    let mirror = Mirror::start().await;
    let secret = crate::secrets::file("hunter2-and-more");
    let bench = fetcher(&format!(
        "[secrets]\ntoken = {:?}\n[plugins.fetcher]\nhttp = [\"http://{}/api/*\"]\ntcp = [\"127.0.0.1:1\"]\nsecrets = [\"token\"]",
        secret.path(),
        mirror.address
    ))
    .await;
    let told = bench.read(&format!("fetch http://{}/api/x?y=1 x-mine=2", mirror.address)).await;
    assert!(told.starts_with("200 GET /api/x?y=1\n"), "{told}");
    assert!(told.contains("x-mine: 2") && told.contains(&format!("host: {}", mirror.address)), "{told}");
    let refused = bench.read(&format!("fetch http://{}/other", mirror.address)).await;
    let (url, grant) = (format!("http://{}/other", mirror.address), format!("http://{}", mirror.address));
    let line = format!("[plugins.fetcher] http = [\"{grant}/api/*\", \"{grant}/*\"]");
    assert_eq!(refused, format!("GET {url} was not granted; add to the configuration: {line}"));
    assert_eq!(mirror.heard.lock().unwrap().len(), 1, "what is refused is not sent");
}
