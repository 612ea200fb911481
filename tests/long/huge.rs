//! A layer of more than 8 GiB: sizes that a plain tar header cannot hold, and memory that does not grow with them.

use std::fs::{self, File};
use std::process::Command;

use airgap_bundle::model::digest::{Algorithm, Digest, Hasher};
use airgap_bundle::model::media_type;
use airgap_bundle::stores::registry::server::{Options, Server};
use serde_json::json;

use crate::fixture::Blob;
use crate::peak;
use crate::site::Site;

/// 8 GiB and a little, so that padding is needed, too.
const SIZE: u64 = (8 << 30) + 70_001;
const MOST: u64 = 100 << 20;

/// Returns the digest of so many zeros.
pub(crate) fn zeros(size: u64) -> Digest {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let piece = vec![0; 1 << 20];
    let mut rest = size;
    while rest > 0 {
        let part = usize::try_from(rest).unwrap().min(piece.len());
        hasher.update(&piece[..part]);
        rest -= u64::try_from(part).unwrap();
    }
    hasher.finish()
}

/// Puts the layer into a registry's folder as a file with nothing in it, and the image around it.
pub(crate) fn registry(folder: &std::path::Path, layer: Digest, size: u64) -> (Server, Digest) {
    let names = folder.join("repositories/huge/_blobs/sha256");
    for folder in [&folder.join("blobs/sha256"), &names] {
        fs::create_dir_all(folder).unwrap();
    }
    let blob = File::create(folder.join("blobs/sha256").join(layer.hex())).unwrap();
    blob.set_len(size).unwrap();
    File::create(names.join(layer.hex())).unwrap();
    let server = Server::start(Options::folder(folder).unwrap()).unwrap();
    let config = Blob::new(
        media_type::OCI_CONFIG,
        json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [layer]}})
            .to_string()
            .into_bytes(),
    );
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": config.descriptor(),
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": size}],
    });
    let manifest = Blob::new(media_type::OCI_MANIFEST, manifest.to_string().into_bytes());
    server.registry().put_blob_as("huge", config.digest, &config.bytes).unwrap();
    server
        .registry()
        .put_manifest_as("huge", manifest.digest, Some("1"), media_type::OCI_MANIFEST, &manifest.bytes)
        .unwrap();
    (server, manifest.digest)
}

#[test]
fn a_layer_of_more_than_eight_gigabytes_goes_all_the_way() {
    // On the disk: it would fill the memory that other tests work in.
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (from, to) = (disk.path().join("from"), disk.path().join("to"));
    let layer = zeros(SIZE);
    let (source, digest) = registry(&from, layer, SIZE);
    let site = Site::new()
        .named("FROM", source.host())
        .named("BUNDLE", disk.path().join("b.tar").to_str().unwrap())
        .named("IMAGES", disk.path().join("images").to_str().unwrap());
    let run = |site: &Site, arguments: &str| {
        let (output, peak) = peak::run(site, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments}: {said}");
        assert!(peak <= MOST, "`{arguments}` took {} MiB", peak >> 20);
    };
    run(&site, "export FROM/huge:1 --output BUNDLE");
    run(&site, "verify BUNDLE");
    let bundle = disk.path().join("b.tar");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/read_bundle.py");
    assert!(Command::new("python3").args(["-B", script]).arg(&bundle).status().unwrap().success());

    fs::create_dir(&to).unwrap();
    let target = Server::start(Options::folder(&to).unwrap()).unwrap();
    let site = site.named("TO", target.host());
    run(&site, "import --to TO BUNDLE");
    assert_eq!(target.registry().manifest("huge", "1").unwrap().digest, digest);
    let there = to.join("blobs/sha256").join(layer.hex());
    assert_eq!(fs::metadata(&there).unwrap().len(), SIZE);
    drop(target);
    fs::remove_dir_all(&to).unwrap();

    run(&site, "sideload --containerd-dir=IMAGES --platform linux/amd64 BUNDLE");
    let tars: Vec<_> =
        fs::read_dir(disk.path().join("images")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [tar] = &tars[..] else { panic!("one tar, not {tars:?}") };
    let listed = Command::new("tar").arg("-tvf").arg(tar).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains(&format!(" {SIZE} ")) && listed.contains(&layer.hex()), "{listed}");
}
