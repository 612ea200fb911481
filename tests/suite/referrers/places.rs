//! Registries with and without the referrers API, and what is in them.

use airgap_bundle::model::digest::Digest;
use airgap_bundle::model::manifest::Manifest;
use airgap_bundle::model::media_type;
use airgap_bundle::stores::registry::server::{Options, Referrers, Registry, Server};
use serde_json::json;

use crate::fixture::Graph;
use crate::site::Site;

/// Starts an empty registry.
pub(super) fn server(referrers: Referrers) -> Server {
    Server::start(Options { referrers, ..Options::memory() }).unwrap()
}

/// Makes a site of a source and a destination.
pub(super) fn site(from: &Server, to: &Server) -> Site {
    Site::new().named("FROM", from.host()).named("TO", to.host())
}

/// Returns the tag of the list of what refers to a graph.
pub(super) fn tag(subject: &Graph) -> String {
    format!("sha256-{}", subject.digest().hex())
}

/// Puts referrers into a repository, each without a tag, and writes the list that a client without the API makes.
pub(super) fn put_listed(server: &Server, repository: &str, subject: &Graph, referrers: &[&Graph]) {
    for referrer in referrers {
        referrer.put(server.registry(), repository, None);
    }
    list(server, repository, subject, referrers);
}

/// Writes the list of what refers to a graph.
pub(super) fn list(server: &Server, repository: &str, subject: &Graph, referrers: &[&Graph]) {
    let entries: Vec<_> = referrers.iter().map(|referrer| referrer.root().descriptor()).collect();
    let list = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries});
    let bytes = serde_json::to_vec(&list).unwrap();
    let tag = tag(subject);
    server.registry().put_manifest(repository, Some(&tag), media_type::OCI_INDEX, &bytes).unwrap();
}

/// Returns the digests in the list of what refers to a graph, none where there is no list.
pub(super) fn listed(registry: &Registry, repository: &str, subject: &Graph) -> Vec<Digest> {
    let Some(found) = registry.manifest(repository, &tag(subject)) else { return vec![] };
    let bytes = registry.content(&found.digest).unwrap().unwrap().read(8 << 20).unwrap();
    let list = Manifest::parse(media_type::OCI_INDEX, &bytes).unwrap();
    list.manifests.iter().map(|child| child.digest).collect()
}

/// Counts the requests whose path ends with something, or holds it before its last part.
pub(super) fn count(server: &Server, method: &str, part: &str) -> usize {
    let asked = server.requests();
    let is_one = |path: &str| path.contains(part);
    asked.iter().filter(|request| request.method == method && is_one(&request.path)).count()
}
