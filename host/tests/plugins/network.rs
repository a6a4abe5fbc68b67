//! Provides local servers that respond to plugin requests, and activates the `http_client` test plugin, which sends
//! requests.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, Method, Uri},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket},
};

use crate::components::bad;
use crate::test_host::TestHost;

pub mod http;
mod ping;
pub mod secrets;
pub mod tls;

/// Activates the `http_client` plugin, grants it the URLs in `http`, and adds `more` to its table.
pub async fn http_client(http: &[String], more: &str) -> TestHost {
    let host = TestHost::of(&table(http, more));
    host.plug("http_client", &bad("http_client")).await.unwrap_or_else(|refused| panic!("{refused}"));
    host
}

/// Returns the configuration of the `http_client` plugin. Creates a file that contains the plugin's secret, and never
/// deletes the file.
pub fn table(http: &[String], more: &str) -> String {
    let secret = secrets::file(secrets::VALUE).into_temp_path().keep().unwrap();
    let tcp = if more.contains("tcp =") { "" } else { "tcp = [\"192.0.3.1:9\"]" };
    format!(
        "[secrets]\ntoken = {secret:?}\n[plugins.http_client]\nsecrets = [\"token\"]\nhttp = {http:?}\n{tcp}\n{more}\n"
    )
}

/// A server that echoes its requests and records them.
#[derive(Clone)]
pub struct Mirror {
    pub address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Mirror {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let service = mirror(Arc::clone(&requests));
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { address, requests }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn all(&self) -> [String; 1] {
        [self.url("/*")]
    }

    pub fn last(&self) -> String {
        self.requests.lock().unwrap().last().cloned().unwrap_or_default()
    }

    pub fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

fn mirror(requests: Arc<Mutex<Vec<String>>>) -> Router {
    let answer = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
        let shown = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let mut lines = vec![format!("{method} {uri}")];
        lines.extend(headers.iter().map(|(name, value)| format!("{name}: {}", shown(value.as_bytes()))));
        lines.push(shown(&body));
        let message = lines.join("\n");
        requests.lock().unwrap().push(message.clone());
        message
    };
    Router::new().fallback(answer)
}

/// Starts a server that responds to the first request on each connection with these bytes, and then keeps the
/// connection open until the client closes it. Returns the server's address.
pub async fn raw(answer: impl Into<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answer = Arc::new(answer.into());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(&answer).await;
                while stream.read(&mut request).await.is_ok_and(|read| read > 0) {}
            });
        }
    });
    address
}

/// A port without a listener, reserved until this value is dropped.
pub struct UnusedPort {
    pub port: u16,
    _bound: TcpSocket,
}

impl UnusedPort {
    pub fn reserve() -> Self {
        let bound = TcpSocket::new_v4().unwrap();
        bound.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self { port: bound.local_addr().unwrap().port(), _bound: bound }
    }
}
