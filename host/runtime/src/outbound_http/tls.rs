//! Certificate verification for outbound connections. It trusts the public certificate authorities and the certificates
//! of the `ca` file. A certificate in that file is trusted both as an authority and as a server certificate, because
//! servers at home are often self-signed, for a name that isn't the one used to reach them.

use std::{io, path::Path, sync::Arc};

use cordboard_core::{egress::Target, encoding, messages::system_error};
use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

/// # Errors
/// Returns what is wrong with the `ca` file.
pub fn client_config(ca: Option<&Path>) -> Result<ClientConfig, String> {
    let own = ca.map(read).transpose()?.unwrap_or_default();
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    // A server certificate may be unusable as a root. It is skipped here, and the verifier still compares it.
    roots.add_parsable_certificates(own.iter().cloned());
    let provider = Arc::new(ring::default_provider());
    let wrong = |error: &dyn std::error::Error| format!("TLS cannot be set up: {error}");
    let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(|error| wrong(&error))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier { usual, own }))
        .with_no_client_auth();
    Ok(config)
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let shown = path.display();
    let unreadable = |why: String| format!("`ca`, {shown}, cannot be read: {why}");
    let bytes = std::fs::read(path).map_err(|error| unreadable(system_error(error)))?;
    let text = encoding::text(bytes).map_err(|error| unreadable(error.to_string()))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(format!("`ca`, {shown}, must hold certificates in PEM (-----BEGIN CERTIFICATE-----)")),
    }
}

/// The standard verification, except that a server certificate from the `ca` file is accepted without a check of its
/// name and dates.
#[derive(Debug)]
struct Verifier {
    usual: Arc<WebPkiServerVerifier>,
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
        self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

/// Explains a TLS failure and its remedy.
pub fn explain(target: &Target, error: &io::Error) -> String {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let certificate = match cause {
        Some(rustls::Error::InvalidCertificate(why)) => why,
        Some(rustls::Error::InvalidMessage(_)) => {
            return format!("no TLS with {target}: the server does not support it; for plain HTTP, use http://");
        }
        Some(_) | None => return format!("no TLS with {target}: {error}"),
    };
    let why = match certificate {
        CertificateError::UnknownIssuer | CertificateError::Other(_) => {
            "its issuer is not trusted; if it is yours, add it or its issuer to the file of `ca`"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name; if it is yours, add it to the file of `ca`"
        }
        _ => return format!("the certificate of {target} is not trusted: {error}"),
    };
    format!("the certificate of {target} is not trusted: {why}")
}
