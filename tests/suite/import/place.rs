//! A source with content, a bundle of it, and a destination.

use airgap_bundle::stores::registry::server::{Options, Server};

use crate::fixture::Graph;
use crate::fixture::Pack;
use crate::site::Site;

/// Starts our own registry, empty, that takes sparse indexes.
pub(super) fn server() -> Server {
    Server::start(Options::memory()).unwrap()
}

/// Puts graphs into a registry, each as `REPOSITORY:TAG` or, without a tag, by digest alone.
pub(super) fn source(content: &[(&str, &Graph)]) -> Server {
    let server = server();
    for (name, graph) in content {
        let (repository, tag) = name.split_once(':').map_or((*name, None), |(path, tag)| (path, Some(tag)));
        graph.put(server.registry(), repository, tag);
    }
    server
}

/// Exports `references` (without the registry) of `source` into `site.tar`, with more arguments, and returns the site;
/// `SOURCE` stands for the source and `TO` for the destination.
pub(super) fn bundle(source: &Server, to: &str, references: &[&str], more: &str) -> Site {
    let site = Site::new().named("SOURCE", source.host()).named("TO", to);
    let references: Vec<String> = references.iter().map(|name| format!("SOURCE/{name}")).collect();
    site.run(&format!("export -o site.tar {} {more}", references.join(" ")))
        .any_stdout()
        .any_stderr()
        .code(0);
    site
}

/// Writes a bundle as `site.tar`; `TO` stands for the destination.
pub(super) fn packed(pack: &Pack, to: &str) -> Site {
    Site::new().named("TO", to).bytes("site.tar", &pack.tar())
}
