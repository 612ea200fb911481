//! A source with content, an empty destination, and a list of what the source has.

use airgap_bundle::stores::registry::server::{Faults, Options, RequestView, Server};

use crate::fixture::Graph;
use crate::site::Site;

/// Starts an empty registry.
pub(super) fn server() -> Server {
    Server::start(Options::memory()).unwrap()
}

/// Starts an empty registry with faults.
pub(super) fn faulty(faults: Faults) -> Server {
    Server::start(Options { faults, ..Options::memory() }).unwrap()
}

/// Puts graphs into a registry, each as `REPOSITORY:TAG`.
pub(super) fn fill(server: &Server, content: &[(&str, &Graph)]) {
    for (name, graph) in content {
        let (repository, tag) = name.split_once(':').unwrap();
        graph.put(server.registry(), repository, Some(tag));
    }
}

/// Returns a site with `list.txt` of these names at `SOURCE`; `TO` stands for the destination.
pub(super) fn site(from: &Server, to: &Server, names: &[&str]) -> Site {
    let lines: Vec<String> = names.iter().map(|name| format!("SOURCE/{name}\n")).collect();
    Site::new().named("SOURCE", from.host()).named("TO", to.host()).file("list.txt", &lines.concat())
}

/// Returns whether a request downloads the blob with this digest.
pub(super) fn gets(request: &RequestView<'_>, digest: &str) -> bool {
    request.gets_blob() && request.path.ends_with(digest)
}

/// Returns how many bytes of blobs a registry has sent.
pub(super) fn sent(server: &Server) -> u64 {
    let requests = server.requests();
    requests.iter().filter(|request| request.path.contains("/blobs/")).map(|request| request.bytes_out).sum()
}
