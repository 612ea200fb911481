//! A bundle is an OCI image layout in a tar: other people's tools read it, and find the same digests.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use airgap_bundle::model::media_type;
use airgap_bundle::stores::registry::server::Server;
use oci_client::client::{Client, ClientConfig, ClientProtocol};
use oci_client::secrets::RegistryAuth;

use super::{ID, entries, registry, site};
use crate::fixture::{Blob, Graph, artifact, chart, image, index, index_of};
use crate::site::Site;
use crate::tools::{command, run};

/// A bundle of one graph of each sort, and the layout that GNU tar makes of it.
struct Carried {
    upstream: Server,
    to: Server,
    site: Site,
    /// What the export printed.
    id: String,
    graphs: Vec<(&'static str, Graph)>,
}

/// An image with a compressed layer, as crane wants it for its validation.
fn compressed() -> Graph {
    let plain = image(6, 1, 10_000);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&plain.blobs[1].bytes).unwrap();
    let layer = Blob::new("application/vnd.oci.image.layer.v1.tar+gzip", packed.finish().unwrap());
    let mut root: serde_json::Value = serde_json::from_slice(&plain.root().bytes).unwrap();
    root["layers"][0] = layer.descriptor();
    let root = Blob::new(media_type::OCI_MANIFEST, serde_json::to_vec(&root).unwrap());
    Graph { blobs: vec![plain.blobs[0].clone(), layer], manifests: vec![root] }
}

fn carried() -> Carried {
    let (upstream, to) = (registry(), registry());
    let two = index(2, &["linux/amd64", "linux/arm64"], 2, 3000);
    let graphs = vec![
        ("image", image(1, 2, 20_000)),
        ("two", two.clone()),
        ("nested", index_of(&[("", &two), ("windows/amd64", &image(3, 1, 10))])),
        ("sbom", artifact(4, "application/vnd.example.sbom", None)),
        ("packed", compressed()),
        ("chart", chart("c", "1.0.0", b"packed")),
    ];
    for (name, graph) in &graphs {
        graph.put(upstream.registry(), name, Some("v1"));
    }
    let site = site(&upstream).named("TO", to.host());
    let names: Vec<String> = graphs.iter().map(|(name, _)| format!("REGISTRY/{name}:v1")).collect();
    let printed = site.run(&format!("export {} -o b.tar", names.join(" "))).stdout(ID).any_stderr().code(0);
    let id = String::from_utf8(printed).unwrap();
    std::fs::create_dir(site.path("layout")).unwrap();
    run(command("tar", site.root()).args(["-xf", "b.tar", "-C", "layout"]));
    Carried { upstream, to, site, id, graphs }
}

impl Carried {
    fn tool(&self, name: &str) -> Command {
        command(name, self.site.root())
    }

    /// The name that the bundle has for an artifact.
    fn name(&self, name: &str) -> String {
        format!("{}/{name}:v1", self.upstream.host())
    }

    fn to(&self, rest: &str) -> String {
        format!("{}/{rest}", self.to.host())
    }
}

#[test]
fn tar_readers_list_it() {
    let carried = carried();
    let names: Vec<String> = entries(&carried.site, "b.tar").into_iter().map(|(name, _)| name).collect();
    let gnu = run(carried.tool("tar").args(["-tf", "b.tar"]));
    assert_eq!(gnu.lines().collect::<Vec<_>>(), names);
    let script = "import sys, tarfile\nfor member in tarfile.open(sys.argv[1]):\n assert member.isfile()\n print(member.name)";
    let python = run(carried.tool("python3").args(["-c", script, "b.tar"]));
    assert_eq!(python.lines().collect::<Vec<_>>(), names);
    let sum = run(carried.tool("sh").args(["-c", "tar -xOf b.tar bundle.json | sha256sum"]));
    assert_eq!(carried.id, format!("bundle id sha256:{}\n", sum.split(' ').next().unwrap()));
}

#[test]
fn skopeo_copies_out_of_the_folder_and_out_of_the_tar() {
    let carried = carried();
    // skopeo copies no index within an index.
    for (name, graph) in carried.graphs.iter().filter(|(name, _)| *name != "nested") {
        for (form, place) in [("oci", "layout"), ("oci-archive", "b.tar")] {
            let from = format!("{form}:{place}:{}", carried.name(name));
            let to = carried.to(&format!("{form}/{name}:v1"));
            run(carried
                .tool("skopeo")
                .args(["--insecure-policy", "copy", "--all", "--preserve-digests", "--dest-tls-verify=false"])
                .args([from, format!("docker://{to}")]));
            graph.assert_in(carried.to.registry(), &format!("{form}/{name}"), "v1");
        }
    }
}

#[test]
fn regctl_copies_by_digest() {
    let carried = carried();
    let plain = format!("reg={},tls=disabled", carried.to.host());
    for (name, graph) in &carried.graphs {
        let from = format!("ocidir://layout@{}", graph.digest());
        let manifest =
            carried.tool("regctl").args(["manifest", "get", "--format", "raw-body", &from]).output().unwrap();
        assert!(
            manifest.stdout == graph.root().bytes,
            "{name}: {}",
            String::from_utf8_lossy(&manifest.stderr)
        );
        let to = carried.to(&format!("{name}:v1"));
        run(carried.tool("regctl").args([
            "--host",
            &plain,
            "image",
            "copy",
            "--force-recursive",
            &from,
            &to,
        ]));
        graph.assert_in(carried.to.registry(), name, "v1");
    }
}

#[test]
fn crane_pushes_the_layout_and_oci_client_pulls_what_was_pushed() {
    let carried = carried();
    let pushed = carried.to("all:v1");
    run(carried.tool("crane").args(["push", "--insecure", "--index", "layout", &pushed]));
    for (name, graph) in &carried.graphs {
        // crane pushes the layout's own index; everything is below it.
        graph.assert_in(carried.to.registry(), "all", &graph.digest().to_string());
        let (from, to) =
            (carried.to(&format!("all@{}", graph.digest())), carried.to(&format!("{name}:copied")));
        run(carried.tool("crane").args(["copy", "--insecure", &from, &to]));
        graph.assert_in(carried.to.registry(), name, "copied");
    }
    let copied = carried.to("packed:copied");
    run(carried.tool("crane").args(["validate", "--insecure", "--remote", &copied]));
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Client::new(ClientConfig { protocol: ClientProtocol::Http, ..ClientConfig::default() });
        for (name, graph) in &carried.graphs {
            let reference = carried.to(&format!("{name}:copied")).parse().unwrap();
            let accepted = media_type::MANIFESTS;
            let pulled = client.pull_manifest_raw(&reference, &RegistryAuth::Anonymous, &accepted).await;
            let (manifest, digest) = pulled.unwrap();
            assert!(manifest == graph.root().bytes && digest == graph.digest().to_string(), "{name}");
            for blob in &graph.blobs {
                let mut pulled = Vec::new();
                client.pull_blob(&reference, blob.digest.to_string().as_str(), &mut pulled).await.unwrap();
                assert!(pulled == blob.bytes, "{name} {}", blob.digest);
            }
        }
    });
    assert!(Path::new(&carried.site.path("layout")).join("bundle.json").exists());
}
