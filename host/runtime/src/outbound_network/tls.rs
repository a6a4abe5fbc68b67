//! Certificate verification for outbound connections. It trusts the public certificate authorities and the certificates
//! of the `ca` file. A certificate in that file is trusted both as an authority and as a server certificate, because
//! home servers often have self-signed certificates for names other than the one in the URL.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use cordboard_core::{egress::Target, messages::system_error, text_file};
use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    #[error("`ca`, {}, cannot be read: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error("`ca`, {}, must contain certificates in PEM (-----BEGIN CERTIFICATE-----)", .0.display())]
    NoCertificates(PathBuf),
    #[error("TLS cannot be set up: {0}")]
    SetUp(String),
    #[error("{0}")]
    Panicked(String),
}

pub fn client_config(ca: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let own = ca.map(read).transpose()?.unwrap_or_default();
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    // Some server certificates can't be roots. They are skipped here; the verifier compares them directly.
    roots.add_parsable_certificates(own.iter().cloned());
    let provider = Arc::new(ring::default_provider());
    let standard = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(|error| TlsError::SetUp(error.to_string()))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::SetUp(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier { standard, own }))
        .with_no_client_auth();
    Ok(config)
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |why| TlsError::Unreadable { path: path.to_owned(), why };
    let bytes = std::fs::read(path).map_err(|error| unreadable(system_error(error)))?;
    let text = text_file::text(bytes).map_err(|error| unreadable(error.to_string()))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(TlsError::NoCertificates(path.to_owned())),
    }
}

/// The standard verification, except that a server certificate from the `ca` file is accepted without a check of its
/// name and dates.
#[derive(Debug)]
struct Verifier {
    standard: Arc<WebPkiServerVerifier>,
    own: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.own.iter().any(|own| own == end_entity) {
            return Ok(ServerCertVerified::assertion());
        }
        self.standard.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.standard.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.standard.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.standard.supported_verify_schemes()
    }
}

/// Returns the message for a TLS failure, with the remedy if there is one.
pub fn explain(target: &Target, error: &io::Error) -> String {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let certificate = match cause {
        Some(rustls::Error::InvalidCertificate(why)) => why,
        Some(rustls::Error::InvalidMessage(_)) => {
            return format!("TLS with {target} failed: the server does not support TLS; for plain HTTP, use http://");
        }
        Some(_) | None => return format!("TLS with {target} failed: {error}"),
    };
    let is_expired = matches!(certificate, CertificateError::Expired | CertificateError::ExpiredContext { .. });
    let is_unknown = matches!(certificate, CertificateError::UnknownIssuer | CertificateError::Other(_));
    let why = if is_expired {
        "it has expired".to_owned()
    } else if is_unknown {
        "its issuer is not trusted; if the server is yours, add its certificate or that of its issuer to the file that `ca` names".to_owned()
    } else if matches!(certificate, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })
    {
        "it is for another name; if the server is yours, add its certificate to the file that `ca` names".to_owned()
    } else {
        error.to_string()
    };
    format!("the certificate of {target} is not trusted: {why}")
}
