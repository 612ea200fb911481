//! Which certificates of servers are taken, and what is told of those that are not.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};

use super::certificate::Described;
use crate::model::error::{Error, Result};

/// What a host's certificate is compared with.
#[derive(Debug)]
pub(super) enum Takes {
    /// As usual, but for one thing: a certificate that was named is trusted when a server shows that very one, although
    /// it calls itself an authority, as self-signed ones of `openssl req -x509` do. Its name and its dates still have to
    /// be right.
    Known {
        /// None where there is not one authority.
        usual: Option<Arc<WebPkiServerVerifier>>,
        named: Vec<CertificateDer<'static>>,
    },
    /// Every certificate.
    All,
}

impl Takes {
    /// Takes what these roots vouch for, and the named certificates themselves, which are among the roots.
    pub(super) fn known(
        provider: &Arc<CryptoProvider>,
        roots: RootCertStore,
        named: Vec<CertificateDer<'static>>,
    ) -> Result<Self> {
        if roots.is_empty() {
            return Ok(Self::Known { usual: None, named });
        }
        let usual =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
        let usual = usual.map_err(|error| {
            Error::usage(format!("the trusted certificates cannot be used: {error}"), None)
        })?;
        Ok(Self::Known { usual: Some(usual), named })
    }

    fn verify(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let Self::Known { usual, named } = self else { return Ok(ServerCertVerified::assertion()) };
        let Some(usual) = usual else { return Err(CertificateError::UnknownIssuer.into()) };
        match usual.verify_server_cert(shown, between, name, ocsp, now) {
            // Found after the dates were right and before the name was looked at.
            Err(error) if is_authority(&error) && named.contains(shown) => {
                verify_server_name(&ParsedCertificate::try_from(shown)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn has_roots(&self) -> bool {
        !matches!(self, Self::Known { usual: None, .. })
    }

    fn has_named(&self) -> bool {
        matches!(self, Self::Known { named, .. } if !named.is_empty())
    }
}

/// So many certificates that a server sends besides its own are looked at for what is wrong.
const MAX_BETWEEN: usize = 8;

/// Judges the servers of a connection: the host itself, and the proxy before it, which may speak TLS, too. Whatever is
/// taken, the server must own the key.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) provider: Arc<CryptoProvider>,
    /// For every host but those of [`Self::own`].
    pub(super) all: Arc<Takes>,
    /// For the host of this name alone.
    pub(super) own: Option<(String, Takes)>,
}

/// A certificate that was refused.
#[derive(Debug)]
pub(in crate::stores::http) struct Refused {
    /// Why.
    pub(in crate::stores::http) reason: CertificateError,
    /// What it says of itself.
    pub(in crate::stores::http) certificate: Described,
    /// The first one that the server sends besides it whose dates are wrong.
    pub(in crate::stores::http) above: Option<Described>,
    /// Whether anything is trusted at all.
    pub(in crate::stores::http) has_roots: bool,
    /// Whether certificates were named that are trusted.
    pub(in crate::stores::http) has_named: bool,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl std::error::Error for Refused {}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let own = self.own.as_ref().filter(|(host, _)| name.to_str().eq_ignore_ascii_case(host));
        let takes = own.map_or(&*self.all, |(_, takes)| takes);
        takes.verify(shown, between, name, ocsp, now).map_err(|error| match error {
            rustls::Error::InvalidCertificate(reason) => {
                let certificate = Described::of(shown, now);
                let above = between.iter().take(MAX_BETWEEN).map(|above| Described::of(above, now));
                let above = above.into_iter().find(|above| above.untimely().is_some());
                let (has_roots, has_named) = (takes.has_roots(), takes.has_named());
                let refused = Refused { reason, certificate, above, has_roots, has_named };
                CertificateError::Other(OtherError(Arc::new(refused))).into()
            }
            other => other,
        })
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
