//! Which certificate this side shows to a server that asks for one.

use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls::{Error, SignatureScheme};

use super::certificate::issuer;
use super::files::Identity;

/// Certificates of this side, the preferred one first.
#[derive(Debug)]
pub(super) struct Identities(Vec<Arc<CertifiedKey>>);

impl Identities {
    /// Takes certificates whose keys are theirs.
    pub(super) fn new<'a>(
        all: impl Iterator<Item = &'a Identity>,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        let load = |(chain, key): &Identity| {
            CertifiedKey::from_der(chain.clone(), key.clone_key(), provider).map(Arc::new)
        };
        all.map(load).collect::<Result<_, _>>().map(Self)
    }
}

impl ResolvesClientCert for Identities {
    fn resolve(&self, authorities: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let signs = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(schemes).is_some();
        let wanted = |key: &&Arc<CertifiedKey>| {
            let issuers = key.cert.iter().filter_map(issuer);
            issuers.into_iter().any(|issuer| authorities.contains(&issuer.as_slice()))
        };
        let mut fitting = self.0.iter().filter(signs);
        // A server that does not know what it wants may still take the first one.
        fitting.clone().find(wanted).or_else(|| fitting.next()).cloned()
    }

    fn has_certs(&self) -> bool {
        !self.0.is_empty()
    }
}
