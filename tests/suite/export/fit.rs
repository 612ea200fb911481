//! What readers would refuse is no bundle.

use airgap_bundle::model::digest::Digest;
use airgap_bundle::model::media_type;
use airgap_bundle::stores::registry::server::Server;
use serde_json::{Value, json};

use super::{ID, contents, registry, site};
use crate::fixture::{Blob, Graph, artifact, image};

/// Puts an image of which one manifest, its config or the root itself has been changed.
fn put(server: &Server, name: &str, change: impl Fn(&mut Value, &mut Value)) {
    let good = image(1, 1, 100);
    let mut config: Value = serde_json::from_slice(&good.blobs[0].bytes).unwrap();
    let mut root: Value = serde_json::from_slice(&good.root().bytes).unwrap();
    change(&mut config, &mut root);
    let config = Blob::new(media_type::OCI_CONFIG, serde_json::to_vec(&config).unwrap());
    if root["config"]["mediaType"] == media_type::OCI_CONFIG {
        root["config"] = config.descriptor();
    }
    let root = Blob::new(media_type::OCI_MANIFEST, serde_json::to_vec(&root).unwrap());
    let graph = Graph { blobs: vec![config, good.blobs[1].clone()], manifests: vec![root] };
    graph.put(server.registry(), name, Some("1"));
}

#[test]
fn a_text_that_readers_refuse_costs_its_artifact_and_not_the_bundle() {
    let server = registry();
    put(&server, "bell", |config, _| config["architecture"] = json!("am\u{7}d64"));
    put(&server, "long", |config, _| config["architecture"] = json!("a".repeat(3000)));
    let long = format!("application/{}", "x".repeat(2000));
    artifact(1, &long, None).put(server.registry(), "type", Some("1"));
    artifact(2, "application/a\tb", None).put(server.registry(), "tab", Some("1"));
    let child = image(5, 1, 100);
    let mut descriptor = child.root().descriptor();
    descriptor["platform"] = json!({"os": "li\u{1b}[2Jnux", "architecture": "amd64"});
    let root = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": [descriptor]});
    let root = Blob::new(media_type::OCI_INDEX, serde_json::to_vec(&root).unwrap());
    let index = Graph { blobs: child.blobs, manifests: child.manifests.into_iter().chain([root]).collect() };
    index.put(server.registry(), "index", Some("1"));
    image(9, 1, 100).put(server.registry(), "good", Some("1"));
    let site = site(&server);
    for (name, why) in [
        ("bell", "`linux/am\\u{7}d64` has control characters"),
        ("long", "has 3006 bytes: expected 1 to 1024"),
        ("type", "has 2012 bytes: expected 1 to 1024"),
        ("tab", "`application/a\\tb` has control characters"),
        ("index", "`li\\u{1b}[2jnux/amd64` has control characters"),
    ] {
        site.run(&format!("export REGISTRY/{name}:1"))
            .stderr_holds(&format!("error: could not export `REGISTRY/{name}:1` (argument 1)\n  cause: no reader would take it: artifact `REGISTRY/{name}:1`: "))
            .stderr_holds(why)
            .code(1);
        assert!(site.files(".").is_empty(), "{name}: {:?}", site.files("."));
        let line = format!("export REGISTRY/good:1 REGISTRY/{name}:1 --keep-going -o {name}.tar");
        site.run(&line).stdout(ID).any_stderr().code(4);
        site.run(&format!("verify {name}.tar")).any_stdout().any_stderr().code(4);
        std::fs::remove_file(site.path(&format!("{name}.tar"))).unwrap();
    }
}

#[test]
fn what_is_missing_is_named_so_that_readers_take_it() {
    let server = registry();
    image(9, 1, 100).put(server.registry(), "good", Some("1"));
    let gone = format!("http://REGISTRY/v2/store/blobs/{}?{}", Digest::sha256(b""), "x".repeat(2000));
    let site = site(&server).file(
        "list.txt",
        &format!(
            "REGISTRY/good:1\nfile \"./a\tb\"\nfile http://REGISTRY/{}\nfile {gone}\n",
            "long/".repeat(300) + "x"
        ),
    );
    site.run("export --list list.txt --keep-going").stdout(ID).any_stderr().code(4);
    site.run("verify").any_stdout().stderr_holds("INCOMPLETE: 3 of 4 artifacts").code(4);
    let missing = &contents(&site, "airgap-bundle.tar")["missing"];
    let names: Vec<&str> =
        missing.as_array().unwrap().iter().map(|row| row["reference"].as_str().unwrap()).collect();
    assert!(
        names.contains(&"a\u{fffd}b")
            && names.iter().any(|name| name.ends_with("/long/l…") || name.ends_with('…')),
        "{names:?}"
    );
}
