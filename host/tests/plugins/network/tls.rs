//! Tests which certificates a plugin's connections accept, with and without `ca` in the plugin's configuration.

use std::{path::PathBuf, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};

use super::http_client;
use crate::components::bad;
use crate::test_host::TestHost;

/// Creates a self-signed certificate for `names`. Returns the certificate and its key.
fn own(names: &[&str]) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    (CertificateParams::new(names).unwrap().self_signed(&key).unwrap(), key)
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Starts a server that responds with `hello` over TLS, and returns its port.
async fn serve(certificate: &CertificateDer<'static>, key: &KeyPair) -> u16 {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

fn file(pem: &str) -> PathBuf {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pem).unwrap();
    file.into_temp_path().keep().unwrap()
}

/// Makes the plugin request `/` from `host`, and returns the plugin's answer. `ca` is the content of the file that the
/// plugin's `ca` key refers to.
async fn fetch(host: &str, port: u16, ca: Option<&str>) -> String {
    let ca = ca.map(|pem| format!("ca = {:?}", file(pem))).unwrap_or_default();
    let more = format!("private = [\"localhost\"]\n{ca}");
    let test_host = http_client(&[format!("https://{host}:{port}/*")], &more).await;
    test_host.read(&format!("fetch https://{host}:{port}/")).await
}

#[tokio::test]
async fn a_configured_self_signed_certificate_is_trusted() {
    let (certificate, key) = own(&["localhost"]);
    let port = serve(certificate.der(), &key).await;
    let why = fetch("localhost", port, None).await;
    let whose = format!("the certificate of https://localhost:{port} is not trusted");
    let how = "its issuer is not trusted; if the server is yours, add its certificate or that of its issuer to the file that `ca` names";
    assert_eq!(why, format!("{whose}: {how}"));
    assert_eq!(fetch("localhost", port, Some(&certificate.pem())).await, "200 hello");
    let (other, _) = own(&["localhost"]);
    assert!(fetch("localhost", port, Some(&other.pem())).await.starts_with(&whose));
}

#[tokio::test]
async fn a_renewed_ca_file_counts_for_the_next_request() {
    let (old, _) = own(&["localhost"]);
    let (renewed, key) = own(&["localhost"]);
    let port = serve(renewed.der(), &key).await;
    let path = file(&old.pem());
    let more = format!("private = [\"localhost\"]\nca = {path:?}");
    let test_host = http_client(&[format!("https://localhost:{port}/*")], &more).await;
    let ask = format!("fetch https://localhost:{port}/");
    assert!(test_host.read(&ask).await.contains(" is not trusted: "));
    std::fs::write(&path, renewed.pem()).unwrap();
    assert_eq!(test_host.read(&ask).await, "200 hello");
    std::fs::remove_file(&path).unwrap();
    let why = test_host.read(&ask).await;
    assert!(why.contains(&format!("`ca`, {}, cannot be read: ", path.display())), "{why}");
}

#[tokio::test]
async fn a_configured_certificate_needs_no_matching_name() {
    let (certificate, key) = own(&["pve.local"]);
    let port = serve(certificate.der(), &key).await;
    assert_eq!(fetch("127.0.0.1", port, Some(&certificate.pem())).await, "200 hello");
}

#[tokio::test]
async fn an_authority_certificate_requires_a_matching_name() {
    let authority = authority();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let port = serve(certificate.der(), &key).await;
    assert_eq!(fetch("localhost", port, Some(&authority.pem())).await, "200 hello");
    let why = fetch("127.0.0.1", port, Some(&authority.pem())).await;
    assert!(
        why.ends_with(
            "it is for another name; if the server is yours, add its certificate to the file that `ca` names"
        ),
        "{why}"
    );
}

#[tokio::test]
async fn an_expired_certificate_is_not_trusted_by_its_authority() {
    let authority = authority();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2001, 1, 1);
    params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    let certificate = params.signed_by(&key, &authority).unwrap();
    let port = serve(certificate.der(), &key).await;
    let why = fetch("localhost", port, Some(&authority.pem())).await;
    assert!(why.ends_with("is not trusted: it has expired"), "{why}");
}

#[tokio::test]
async fn a_server_without_tls_is_reported_as_such() {
    let address = super::raw("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let port: u16 = address.rsplit(':').next().unwrap().parse().unwrap();
    let why = fetch("127.0.0.1", port, None).await;
    let what = "the server does not support TLS; for plain HTTP, use http://";
    assert_eq!(why, format!("TLS with https://127.0.0.1:{port} failed: {what}"));
}

#[tokio::test]
async fn a_file_without_certificates_fails_before_connecting() {
    for (pem, shown) in [("hello", "must contain certificates in PEM"), ("", "must contain certificates in PEM")] {
        let more = format!("ca = {:?}", file(pem));
        let test_host = TestHost::of(&super::table(&["https://localhost/*".to_owned()], &more));
        let why = test_host.refused("http_client", &bad("http_client")).await;
        assert!(why.starts_with("its network cannot be set up: `ca`, /") && why.contains(shown), "{why}");
    }
    let test_host = TestHost::of(&super::table(&["https://localhost/*".to_owned()], "ca = \"/nowhere/ca.pem\""));
    let why = test_host.refused("http_client", &bad("http_client")).await;
    assert!(why.contains("/nowhere/ca.pem, cannot be read: "), "{why}");
}
