//! Tests that the webhook server doesn't block its thread while reading a secret from a slow source.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use cordboard::{
    hub::LiveConfig,
    webhook::{CredentialError, Secrets, WebhookServer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::components::bad;
use crate::test_host::TestHost;

/// The time limit of each wait. Only a test that hangs reaches it.
const LIMIT: Duration = Duration::from_secs(20);

async fn open(host: &TestHost, secrets: Secrets) -> SocketAddr {
    let (live, host_api) = (LiveConfig::new(host.config.clone()), Arc::downgrade(&host.host_api));
    let server = WebhookServer::new(live, Arc::clone(&host.registry), host_api, secrets);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(tokio::spawn(server.serve(listener)));
    address
}

/// The test and the server run on one thread. The server reads the secret on another thread.
#[tokio::test]
async fn a_slow_secret_delays_no_other_request() {
    let host = TestHost::of("[secrets]\nours = \"/nowhere\"\n[plugins.webhook_echo.webhook]\ntoken = \"ours\"\n");
    host.plug("webhook_echo", &bad("webhook_echo")).await.unwrap();
    let (begun, mut beginning) = mpsc::channel(1);
    let (finish, finished) = std::sync::mpsc::channel::<()>();
    let finished = Mutex::new(finished);
    let secrets: Secrets = Arc::new(move |_, name| {
        begun.try_send(name.to_owned()).unwrap();
        let waited = finished.lock().unwrap().recv_timeout(LIMIT);
        waited
            .map(|()| "open sesame".to_owned())
            .map_err(|_| CredentialError::Unreadable("no other request continued in the meantime".to_owned()))
    });
    let mut stream = TcpStream::connect(open(&host, secrets).await).await.unwrap();
    let request = "GET /hooks/webhook_echo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer open sesame\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(beginning.recv().await.as_deref(), Some("ours"));
    finish.send(()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
