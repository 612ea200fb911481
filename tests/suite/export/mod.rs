//! `export`: what it says, what it writes, and what it leaves behind when it is interrupted.

mod addresses;
mod assertions;
mod files;
mod fit;
mod going_on;
mod keep_going;
pub(crate) mod kills;
mod layout;
mod list;
mod output;
mod platforms;
mod same_bytes;
mod says;
mod selecting;

use airgap_bundle::model::digest::Digest;
use airgap_bundle::stores::registry::server::{Options, Server};

use crate::site::Site;

/// Starts an empty registry in memory.
pub(crate) fn registry() -> Server {
    Server::start(Options::memory()).unwrap()
}

/// Makes a site in which `REGISTRY` is the server.
pub(crate) fn site(server: &Server) -> Site {
    Site::new().named("REGISTRY", server.host())
}

/// What stands last on stdout.
const ID: &str = "bundle id sha256:[1]\n";

/// The summary of a bundle that was made: what it holds, and how much of that was fetched now.
fn made(what: &str, bundle: &str, fetched: &str) -> String {
    format!("{what} in `{bundle}` ({fetched})\n{}", next(bundle))
}

/// The last line of the summary.
fn next(bundle: &str) -> String {
    let name = bundle.rsplit('/').next().filter(|name| *name != "airgap-bundle.tar");
    let named = name.map_or_else(String::new, |name| format!(" {name}"));
    format!(
        "next: carry `{bundle}` over, prove it with `airgap-bundle verify --expect sha256:[1]{named}`, then import, \
         sideload or extract it\n"
    )
}

/// Reads a bundle with a tar reader that knows nothing of bundles: names and contents, in order.
pub(crate) fn entries(site: &Site, bundle: &str) -> Vec<(String, Vec<u8>)> {
    let file = std::fs::File::open(site.path(bundle)).unwrap();
    let mut archive = tar::Archive::new(file);
    let read = |entry: std::io::Result<tar::Entry<'_, std::fs::File>>| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        (name, bytes)
    };
    archive.entries().unwrap().map(read).collect()
}

/// Returns the digests of the blobs in a bundle, in order, having compared each with its bytes.
pub(crate) fn digests(site: &Site, bundle: &str) -> Vec<Digest> {
    let blobs = entries(site, bundle).into_iter().skip(3);
    blobs
        .map(|(name, bytes)| {
            let digest: Digest = name.strip_prefix("blobs/").unwrap().replacen('/', ":", 1).parse().unwrap();
            if digest.algorithm().name() == "sha256" {
                assert_eq!(Digest::sha256(&bytes), digest);
            }
            digest
        })
        .collect()
}

/// Returns `bundle.json`.
pub(crate) fn contents(site: &Site, bundle: &str) -> serde_json::Value {
    let entries = entries(site, bundle);
    assert_eq!(entries[2].0, "bundle.json");
    serde_json::from_slice(&entries[2].1).unwrap()
}

/// Returns the paths of the blobs that a server was asked for, without those of `configs`.
pub(crate) fn asked(server: &Server) -> Vec<String> {
    let requests = server.requests().into_iter();
    let blobs = requests.filter(|request| request.method == "GET" && request.path.contains("/blobs/"));
    blobs.map(|request| request.path).collect()
}
