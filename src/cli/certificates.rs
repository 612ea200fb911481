//! Where certificates are that no flag names.

use std::env;

use camino::Utf8PathBuf;

use crate::stores::http::Roots;

/// Returns what is trusted for every host: what `SSL_CERT_FILE` and `SSL_CERT_DIR` (folders, separated by `:`) name
/// instead of the system's.
pub(super) fn roots() -> Roots {
    let file = named("SSL_CERT_FILE").map(Utf8PathBuf::from);
    let folders = named("SSL_CERT_DIR").unwrap_or_default();
    let folders: Vec<Utf8PathBuf> =
        folders.split(':').filter(|folder| !folder.is_empty()).map(Utf8PathBuf::from).collect();
    if file.is_none() && folders.is_empty() { Roots::System } else { Roots::Named { file, folders } }
}

/// Returns the folders in which docker, podman and skopeo look for what is for one host alone.
pub(super) fn folders() -> Vec<Utf8PathBuf> {
    let home = named("HOME").map(|home| Utf8PathBuf::from(home).join(".config/containers/certs.d"));
    home.into_iter()
        .chain(["/etc/containers/certs.d", "/etc/docker/certs.d"].map(Utf8PathBuf::from))
        .collect()
}

fn named(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}
