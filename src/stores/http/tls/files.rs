//! Certificates and keys in PEM files.

use camino::Utf8Path;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};

use super::certificate::Described;
use crate::model::error::{Error, Result};
use crate::stores::http::settings::ClientCertificate;

/// A certificate, those between it and its root, and its key.
pub(super) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Reads the certificates of a file; there must be one. `role` says what they are for, such as the flag that named the
/// file.
pub(super) fn certificates(path: &Utf8Path, role: &str) -> Result<Vec<CertificateDer<'static>>> {
    let bytes = std::fs::read(path).map_err(Error::io(format!("reading `{path}` ({role})")))?;
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(Error::usage(format!("`{path}` ({role}) holds no PEM certificate"), None)),
        Err(error) => Err(Error::usage(format!("`{path}` ({role}) cannot be read: {error}"), None)),
    }
}

/// Reads authorities that were named for this. What is trusted is trusted whatever its dates, so that one whose time is
/// over, or has not come, is an error.
pub(super) fn authorities(path: &Utf8Path, role: &str) -> Result<Vec<CertificateDer<'static>>> {
    let found = certificates(path, role)?;
    let wrong = found.iter().find_map(|certificate| untimely(certificate, path, role));
    wrong.map_or(Ok(found), Err)
}

/// Reads authorities of a file that may hold those of a whole system, of which some have always expired: they are left
/// out, as long as there are others.
pub(super) fn bundle(path: &Utf8Path, role: &str) -> Result<Vec<CertificateDer<'static>>> {
    let mut wrong = None;
    let mut found = certificates(path, role)?;
    found.retain(|certificate| {
        let error = untimely(certificate, path, role);
        let stays = error.is_none();
        wrong = wrong.take().or(error);
        stays
    });
    wrong.filter(|_| found.is_empty()).map_or(Ok(found), Err)
}

fn untimely(certificate: &CertificateDer<'_>, path: &Utf8Path, role: &str) -> Option<Error> {
    let described = Described::of(certificate, UnixTime::now());
    let why = described.untimely()?;
    let message = format!("`{path}` ({role}): the certificate of `{}` {why}", described.subject);
    Some(Error::usage(message, Some("name the one that has taken its place, or set the clock of this host")))
}

/// Reads a client certificate and its key.
pub(super) fn identity(files: &ClientCertificate) -> Result<Identity> {
    let chain = certificates(&files.certificate, "a client certificate")?;
    let path = &files.key;
    let bytes = std::fs::read(path)
        .map_err(Error::io(format!("reading `{path}` (the key of a client certificate)")))?;
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| {
        Error::usage(
            format!("`{path}` (the key of a client certificate) holds no usable PEM key: {error}"),
            None,
        )
    })?;
    Ok((chain, key))
}
