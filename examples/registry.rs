//! Runs the embedded registry on a free port of loopback, in memory: `cargo run --example registry [LAYOUT]`. It holds the
//! content of an OCI image layout whose names are `REPOSITORY:TAG`, or nothing. The first line on stdout is its address; it
//! ends when stdin does, so that it never outlives the script that started it.

use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use airgap_bundle::model::descriptor::Descriptor;
use airgap_bundle::model::manifest::Manifest;
use airgap_bundle::model::media_type;
use airgap_bundle::stores::registry::server::{Options, Registry, Server};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    let server = Server::start(Options::memory())?;
    if let Some(layout) = std::env::args_os().nth(1) {
        fill(server.registry(), Path::new(&layout))?;
    }
    writeln!(io::stdout(), "{}", server.host())?;
    io::copy(&mut io::stdin().lock().by_ref(), &mut io::sink())?;
    Ok(())
}

/// Puts all that the layout names into the registry.
fn fill(registry: &Registry, layout: &Path) -> Result<()> {
    let index = Manifest::parse(media_type::OCI_INDEX, &fs::read(layout.join("index.json"))?)?;
    for root in &index.manifests {
        let name =
            root.annotations.get("org.opencontainers.image.ref.name").ok_or("a root without a name")?;
        let (repository, tag) = name.rsplit_once(':').ok_or("a name without a tag")?;
        put(registry, layout, repository, root, Some(tag))?;
    }
    Ok(())
}

/// Puts a manifest and what it names, children first.
fn put(
    registry: &Registry,
    layout: &Path,
    repository: &str,
    root: &Descriptor,
    tag: Option<&str>,
) -> Result<()> {
    let raw = read(layout, root)?;
    let manifest = Manifest::parse(&root.media_type, &raw)?;
    for child in &manifest.manifests {
        put(registry, layout, repository, child, None)?;
    }
    for blob in manifest.blobs() {
        registry.put_blob_as(repository, blob.digest, &read(layout, blob)?)?;
    }
    Ok(registry.put_manifest_as(repository, root.digest, tag, &root.media_type, &raw)?)
}

fn read(layout: &Path, descriptor: &Descriptor) -> io::Result<Vec<u8>> {
    fs::read(layout.join("blobs").join(descriptor.digest.algorithm().name()).join(descriptor.digest.hex()))
}
