//! `certs.d/HOST[:PORT]`: what docker and containers keep for one host alone.
//!
//! `*.crt` are authorities, `X.cert` with `X.key` a client certificate and its key (docker's manual, "Verify repository
//! client with certificates"; containers-certs.d(5)).

use std::io::ErrorKind;

use camino::{Utf8Path, Utf8PathBuf};
use reqwest::Url;

use super::files::{Identity, authorities, identity};
use crate::model::error::{Error, Result};
use crate::model::hub::NAMES;
use crate::stores::http::settings::ClientCertificate;
use rustls::pki_types::CertificateDer;

/// So many files of a folder are read.
const MAX_FILES: usize = 1000;

/// What is kept for one host.
#[derive(Default)]
pub(super) struct HostFiles {
    pub(super) authorities: Vec<CertificateDer<'static>>,
    pub(super) identities: Vec<Identity>,
}

/// Returns the folders for the host of a URL: `HOST:PORT`, and `HOST` alone, which serves where the URL names no port;
/// for Docker Hub, those of all its names.
pub(super) fn folders(parents: &[Utf8PathBuf], url: &Url) -> Vec<Utf8PathBuf> {
    let host = url.host_str().unwrap_or_default();
    // A name that could lead elsewhere is no folder's.
    if host.is_empty() || host.contains('/') || host.starts_with('.') {
        return Vec::new();
    }
    let hosts = if NAMES.contains(&host) { &NAMES[..] } else { &[host][..] };
    let plain = hosts.iter().filter(|_| url.port().is_none()).map(|host| (*host).to_owned());
    let port = url.port_or_known_default();
    let ports = hosts.iter().filter_map(|host| port.map(|port| format!("{host}:{port}")));
    let names: Vec<String> = plain.chain(ports).collect();
    let all = parents.iter().flat_map(|parent| names.iter().map(|name| parent.join(name)));
    all.filter(|folder| folder.is_dir()).collect()
}

/// Reads a folder. What cannot be used is an error that names the file.
pub(super) fn read(folder: &Utf8Path, into: &mut HostFiles) -> Result<()> {
    let mut names: Vec<String> = Vec::new();
    let entries = match folder.read_dir_utf8() {
        Ok(entries) => entries,
        // One that this user may not look into is for others.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(()),
        Err(error) => return Err(Error::io(format!("reading folder `{folder}`"))(error)),
    };
    for entry in entries.take(MAX_FILES) {
        let entry = entry.map_err(Error::io(format!("reading folder `{folder}`")))?;
        names.push(entry.file_name().to_owned());
    }
    names.sort();
    let has = |name: &str| names.iter().any(|other| other == name);
    for name in &names {
        let path = folder.join(name);
        if name.strip_suffix(".crt").is_some() {
            into.authorities.extend(authorities(&path, "an authority for this host")?);
        } else if let Some(stem) = name.strip_suffix(".cert") {
            let key = format!("{stem}.key");
            if !has(&key) {
                return Err(lacks(&path, &folder.join(key), "its key"));
            }
            into.identities.push(identity(&ClientCertificate { certificate: path, key: folder.join(key) })?);
        } else if let Some(stem) = name.strip_suffix(".key") {
            let certificate = format!("{stem}.cert");
            if !has(&certificate) {
                let hint = "a client certificate ends in `.cert`; what ends in `.crt` is an authority";
                return Err(lacks(&path, &folder.join(certificate), "its certificate").with_hint(hint));
            }
        }
    }
    Ok(())
}

fn lacks(path: &Utf8Path, other: &Utf8Path, what: &str) -> Error {
    Error::usage(format!("`{path}` is there without {what} `{other}`"), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_of_one_host_and_port() {
        let parent = tempfile::tempdir().unwrap();
        let parent = Utf8PathBuf::try_from(parent.path().to_owned()).unwrap();
        for name in ["a.example", "a.example:5000", "b.example:443", "index.docker.io"] {
            std::fs::create_dir_all(parent.join(name)).unwrap();
        }
        for (url, expected) in [
            ("https://a.example/", &["a.example"][..]),
            ("https://a.example:5000/", &["a.example:5000"]),
            ("https://a.example:5001/", &[]),
            ("https://b.example/", &["b.example:443"]),
            ("https://c.a.example/", &[]),
            ("https://registry-1.docker.io/", &["index.docker.io"]),
        ] {
            let found = folders(std::slice::from_ref(&parent), &url.parse().unwrap());
            let expected: Vec<Utf8PathBuf> = expected.iter().map(|name| parent.join(name)).collect();
            assert_eq!(found, expected, "{url}");
        }
    }
}
