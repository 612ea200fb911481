//! What TLS trusts and what it shows.

use std::fmt;
use std::sync::Arc;

use camino::Utf8Path;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};

use super::settings::{ClientCertificate, HttpSettings};
use crate::model::error::{Error, Result};

type WantsVerifier = ConfigBuilder<ClientConfig, rustls::WantsVerifier>;
type WantsClientCert = ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

/// Whether a server's certificate is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Check {
    /// Against the system's roots and the named ones.
    Full,
    /// Not at all: only for hosts that were named for this.
    None,
}

/// Certificates and keys, read once.
pub(super) struct Tls {
    provider: Arc<CryptoProvider>,
    extra: Vec<CertificateDer<'static>>,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("extra", &self.extra.len()).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files that the settings name.
    pub(super) fn read(settings: &HttpSettings) -> Result<Self> {
        let mut extra = Vec::new();
        for path in &settings.ca_certificates {
            extra.extend(certificates(path, "--ca-cert")?);
        }
        let identity = settings.client_certificate.as_ref().map(identity).transpose()?;
        let tls = Self { provider: Arc::new(ring::default_provider()), extra, identity };
        // What is wrong with the files is said now and not at the first request.
        let mut roots = RootCertStore::empty();
        for certificate in &tls.extra {
            roots.add(certificate.clone()).map_err(|error| {
                Error::usage(format!("a certificate of `--ca-cert` cannot be used: {error}"), None)
            })?;
        }
        tls.config(Check::None, Identity::Shown)?;
        Ok(tls)
    }

    /// Makes the configuration of connections.
    pub(super) fn config(&self, check: Check, identity: Identity) -> Result<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&error))?;
        let builder = match check {
            Check::Full if self.extra.is_empty() => builder.with_root_certificates(self.roots()),
            Check::Full => self.taking(builder, self.named()?),
            Check::None => self.taking(builder, Takes::All),
        };
        match (&self.identity, identity) {
            (Some((chain, key)), Identity::Shown) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| unusable(&error)),
            _ => Ok(builder.with_no_client_auth()),
        }
    }

    fn taking(&self, builder: WantsVerifier, takes: Takes) -> WantsClientCert {
        let verifier = Verifier { provider: Arc::clone(&self.provider), takes };
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    }

    /// Certificates by all roots, and those of `--ca-cert` themselves.
    fn named(&self) -> Result<Takes> {
        let provider = Arc::clone(&self.provider);
        let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(self.roots()), provider).build();
        let usual = usual.map_err(|error| {
            Error::usage(format!("the certificates of `--ca-cert` cannot be used: {error}"), None)
        })?;
        Ok(Takes::Named { usual, certificates: self.extra.clone() })
    }

    /// The system's roots where there are any, and the named ones. A host without a CA bundle has none; the first
    /// certificate then says so.
    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        let native = rustls_native_certs::load_native_certs().certs;
        roots.add_parsable_certificates(native);
        roots.add_parsable_certificates(self.extra.iter().cloned());
        roots
    }
}

/// Whether the client certificate is shown to a server that asks: not to one that another server redirects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Identity {
    /// It is.
    Shown,
    /// It is not.
    Hidden,
}

fn unusable(error: &rustls::Error) -> Error {
    Error::usage(format!("`--client-cert` and `--client-key` cannot be used together: {error}"), None)
}

fn certificates(path: &Utf8Path, flag: &str) -> Result<Vec<CertificateDer<'static>>> {
    let bytes = std::fs::read(path).map_err(Error::io(format!("reading `{path}` (`{flag}`)")))?;
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(Error::usage(format!("`{path}` (`{flag}`) holds no PEM certificate"), None)),
        Err(error) => Err(Error::usage(format!("`{path}` (`{flag}`) cannot be read: {error}"), None)),
    }
}

fn identity(files: &ClientCertificate) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain = certificates(&files.certificate, "--client-cert")?;
    let path = &files.key;
    let bytes = std::fs::read(path).map_err(Error::io(format!("reading `{path}` (`--client-key`)")))?;
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| {
        Error::usage(format!("`{path}` (`--client-key`) holds no usable PEM key: {error}"), None)
    })?;
    Ok((chain, key))
}

/// Which certificates are taken. Whatever they are, the server must own the key.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    takes: Takes,
}

#[derive(Debug)]
enum Takes {
    /// As usual, but for one thing: a certificate that was named with `--ca-cert` is trusted when a server shows that very
    /// one, although it calls itself an authority, as self-signed ones of `openssl req -x509` do. Its name and its dates
    /// still have to be right.
    Named { usual: Arc<WebPkiServerVerifier>, certificates: Vec<CertificateDer<'static>> },
    /// Every certificate.
    All,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let Takes::Named { usual, certificates } = &self.takes else {
            return Ok(ServerCertVerified::assertion());
        };
        match usual.verify_server_cert(shown, between, name, ocsp, now) {
            // Found after the dates were right and before the name was looked at.
            Err(error) if is_authority(&error) && certificates.contains(shown) => {
                verify_server_name(&ParsedCertificate::try_from(shown)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Returns whether a certificate was refused only because an authority's certificate is no server's.
fn is_authority(error: &rustls::Error) -> bool {
    let rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(reason))) = error else {
        return false;
    };
    matches!(reason.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}
