//! What TLS trusts and what it shows.

mod certificate;
mod files;
mod folder;
mod identity;
mod verifier;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Url;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

pub(super) use self::verifier::Refused;

use self::files::{Identity, authorities, bundle, identity};
use self::folder::HostFiles;
use self::identity::Identities;
use self::verifier::{Takes, Verifier};
use super::settings::{HttpSettings, Roots};
use super::url::{authority, names, names_or_above};
use crate::model::error::{Error, Result};

/// Which client certificates a server is shown that asks for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shows {
    /// The one of the settings, and those that are kept for its host alone: it is the registry that was meant.
    Identity,
    /// Those that are kept for its host alone.
    Own,
    /// None: another server has redirected to it.
    Nothing,
}

/// Certificates and keys: those of the settings are read once, those of a host when it is first spoken to.
pub(super) struct Tls {
    provider: Arc<CryptoProvider>,
    settings: HttpSettings,
    extra: Vec<CertificateDer<'static>>,
    identity: Option<Identity>,
    /// The system's roots with the named ones.
    roots: Mutex<Option<RootCertStore>>,
    hosts: Mutex<BTreeMap<String, Option<Arc<HostFiles>>>>,
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
            extra.extend(authorities(path, "`--ca-cert`")?);
        }
        let provider = Arc::new(ring::default_provider());
        // What is wrong with the files is said now and not at the first request.
        let mut roots = RootCertStore::empty();
        for certificate in &extra {
            roots.add(certificate.clone()).map_err(|error| {
                Error::usage(format!("a certificate of `--ca-cert` cannot be used: {error}"), None)
            })?;
        }
        let identity = settings.client_certificate.as_ref().map(identity).transpose()?;
        Identities::new(identity.iter(), &provider).map_err(|error| {
            Error::usage(format!("`--client-cert` and `--client-key` cannot be used together: {error}"), None)
        })?;
        Ok(Self {
            provider,
            settings: settings.clone(),
            extra,
            identity,
            roots: Mutex::default(),
            hosts: Mutex::default(),
        })
    }

    /// Returns the host of a URL where connections to it are like none to another: `HOST[:PORT]`.
    pub(super) fn own(&self, url: &Url) -> Result<Option<String>> {
        let own = self.is_unchecked(url) || self.files(url)?.is_some();
        Ok(own.then(|| authority(url)))
    }

    /// Returns what of `shows` there is for the host of a URL.
    pub(super) fn shows(&self, url: &Url, shows: Shows) -> Result<Shows> {
        let own = self.files(url)?.is_some_and(|files| !files.identities.is_empty());
        Ok(match shows {
            Shows::Identity if self.identity.is_some() => Shows::Identity,
            Shows::Identity | Shows::Own if own => Shows::Own,
            _ => Shows::Nothing,
        })
    }

    /// Makes the configuration of connections to the host of a URL.
    pub(super) fn config(&self, url: &Url, shows: Shows) -> Result<ClientConfig> {
        let files = self.files(url)?;
        let all = Arc::new(Takes::known(&self.provider, self.roots()?, self.extra.clone())?);
        let host =
            url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        let own = if self.is_unchecked(url) {
            Some((host, Takes::All))
        } else {
            let authorities = files.as_ref().map(|files| files.authorities.clone()).unwrap_or_default();
            (!authorities.is_empty()).then(|| self.with(authorities)).transpose()?.map(|takes| (host, takes))
        };
        let verifier = Verifier { provider: Arc::clone(&self.provider), all, own };
        let unusable = |error: &rustls::Error| Error::usage(format!("TLS cannot be used: {error}"), None);
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let named = self.identity.iter().filter(|_| shows == Shows::Identity);
        let own = files.iter().flat_map(|files| &files.identities).filter(|_| shows != Shows::Nothing);
        let identities = named.chain(own);
        let identities = Identities::new(identities, &self.provider).map_err(|error| {
            let place = self.folders(url).map(|folder| format!("`{folder}`")).collect::<Vec<_>>().join(", ");
            Error::usage(format!("a client certificate in {place} cannot be used: {error}"), None)
        })?;
        Ok(builder.with_client_cert_resolver(Arc::new(identities)))
    }

    /// Takes what these authorities vouch for, besides the usual ones.
    fn with(&self, authorities: Vec<CertificateDer<'static>>) -> Result<Takes> {
        let mut roots = self.roots()?;
        roots.add_parsable_certificates(authorities.iter().cloned());
        Takes::known(&self.provider, roots, self.extra.iter().cloned().chain(authorities).collect())
    }

    fn is_unchecked(&self, url: &Url) -> bool {
        names(&self.settings.insecure_skip_tls_verify, url) || names_or_above(&self.settings.insecure, url)
    }

    fn folders(&self, url: &Url) -> impl Iterator<Item = camino::Utf8PathBuf> {
        folder::folders(&self.settings.host_certificates, url).into_iter()
    }

    /// Returns what is kept for the host of a URL alone.
    fn files(&self, url: &Url) -> Result<Option<Arc<HostFiles>>> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let host = authority(url);
        if let Some(files) = hosts.get(&host) {
            return Ok(files.clone());
        }
        let mut files = HostFiles::default();
        for folder in self.folders(url) {
            folder::read(&folder, &mut files)?;
        }
        let empty = files.authorities.is_empty() && files.identities.is_empty();
        let files = (!empty).then(|| Arc::new(files));
        hosts.insert(host, files.clone());
        Ok(files)
    }

    /// Returns the system's roots where there are any, and the named ones. A host without a CA bundle has none; the first
    /// certificate then says so.
    fn roots(&self) -> Result<RootCertStore> {
        let mut kept = self.roots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(roots) = &*kept {
            return Ok(roots.clone());
        }
        let mut roots = RootCertStore::empty();
        match &self.settings.roots {
            Roots::System => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
            Roots::Named { file, folders } => {
                if let Some(file) = file {
                    let found = bundle(file, "`SSL_CERT_FILE`").map_err(|error| {
                        error.with_hint(
                            "correct the variable `SSL_CERT_FILE`, or unset it for the system's own",
                        )
                    })?;
                    roots.add_parsable_certificates(found);
                }
                for folder in folders {
                    let found = rustls_native_certs::load_certs_from_paths(None, Some(folder.as_std_path()));
                    roots.add_parsable_certificates(found.certs);
                }
            }
        }
        roots.add_parsable_certificates(self.extra.iter().cloned());
        *kept = Some(roots.clone());
        Ok(roots)
    }
}
