//! `airgap-bundle verify`.

use airgap_bundle::stores::bundle::reader::Bundle;
use std::sync::Arc;

use crate::fixture;
use crate::fixture::{Pack, put};
use crate::site::Site;

/// A bundle with two images that share nothing, an index, a file.
fn pack() -> Pack {
    Pack::new()
        .graph("quay.io/a/one:1", &fixture::image(1, 2, 3000))
        .graph("quay.io/a/two:2", &fixture::index(2, &["linux/amd64", "linux/arm64"], 1, 200_000))
        .file("setup.sh", b"#!/bin/sh\n")
}

fn opened(tar: &[u8]) -> Bundle {
    Bundle::read_head(Arc::new(tar.to_vec()), "b.tar").unwrap()
}

#[test]
fn a_good_bundle_is_proven() {
    let site = Site::new().bytes("airgap-bundle.tar", &pack().tar());
    let id = opened(&pack().tar()).id().to_string();
    for flags in ["", "--cached", "--jobs 1"] {
        site.run(&format!("verify {flags}"))
            .stderr(
                "proved 3 artifacts, 14 blobs, 423.0 KiB\n\
                 bundle id sha256:[1]\n\
                 integrity only: nothing here proves who made this bundle; `--expect sha256:…` does\n",
            )
            .code(0);
    }
    site.run(&format!("verify airgap-bundle.tar --expect {id}"))
        .stderr("proved 3 artifacts, 14 blobs, 423.0 KiB\nbundle id sha256:[1]\n")
        .code(0);
}

#[test]
fn another_bundle_is_refused() {
    let site = Site::new().bytes("b.tar", &pack().tar());
    let other = "0".repeat(64);
    site.run(&format!("verify b.tar --expect sha256:{other}"))
        .stderr("error: the bundle id of `b.tar`: expected sha256:[1], got sha256:[2]\n\n\
             hint: `airgap-bundle inspect` shows what is in this one; ask whoever exported it for its bundle id\n")
        .code(3);
    site.run("verify b.tar --expect sha256:12").stderr_holds("64 lower-case hexadecimal digits").code(2);
}

#[test]
fn everything_that_is_wrong_is_told() {
    let mut tar = pack().tar();
    let bundle = opened(&tar);
    let contents = bundle.contents();
    let layer = *bundle.slots().get(&contents.blobs[0].digest).unwrap();
    let config = *bundle.slots().get(&contents.configs[1].digest).unwrap();
    let at = |offset: u64| usize::try_from(offset).unwrap();
    tar[at(layer.offset) + 7] ^= 1;
    tar[at(config.header) + 101] ^= 1;
    tar[at(config.end()) + 1] = 1;
    let end = tar.len() - 3;
    tar[end] = 1;
    let site = Site::new().bytes("b.tar", &tar);
    let (layer_name, config_name) = (layer.digest.to_string(), config.digest.to_string());
    let site = site
        .named("LAYER", layer_name.replace("sha256:", ""))
        .named("CONFIG", config_name.replace("sha256:", ""));
    site.run("verify b.tar")
        .stderr(&format!(
            "error: `b.tar` is damaged: at byte {}: the header of `blobs/sha256/CONFIG` has wrong bytes, in `quay.io/a/two:2`\n\
             error: `b.tar` is damaged: at byte {}: the padding after `blobs/sha256/CONFIG` is not zero, in `quay.io/a/two:2`\n\
             error: `b.tar` is damaged: at byte {}: entry `blobs/sha256/LAYER` has other bytes: got sha256:[1], in `quay.io/a/one:1`\n\
             error: `b.tar` is damaged: at byte {end}: the end of the archive is not zero\n\
             \n\
             hint: copy the file again from the connected side, and prove it with `airgap-bundle verify`, which names all that is wrong\n\
             the bundle is not good: 4 damaged places; 1 of 3 artifacts are whole\n",
            config.header + 101,
            config.end() + 1,
            layer.offset,
        ))
        .code(3);
    let report = site.run("verify b.tar --json").json(3);
    assert_eq!(report["status"], "failed");
    let failed: Vec<_> = report["artifacts"].as_array().unwrap().iter().map(|row| &row["status"]).collect();
    assert_eq!(failed, ["failed", "failed", "done"]);
}

#[test]
fn a_short_file_loses_some_artifacts_and_keeps_the_others() {
    let tar = pack().tar();
    let bundle = opened(&tar);
    let last = bundle.slots().iter().last().unwrap();
    let cut = usize::try_from(last.offset).unwrap() + 1;
    let mut cut_tar = tar[..cut].to_vec();
    let damaged = bundle.slots().get(&bundle.contents().blobs[0].digest).unwrap();
    cut_tar[usize::try_from(damaged.offset).unwrap()] ^= 1;
    let site = Site::new().bytes("b.tar", &cut_tar);
    site.run("verify b.tar")
        .stderr(&format!(
            "error: `b.tar` is damaged: at byte {}: entry `blobs/sha256/{}` has other bytes: got sha256:[1], in `quay.io/a/one:1`\n\
             error: `b.tar` is incomplete: at byte {cut}: the file ends: expected {} bytes, got {cut} bytes; not whole: \
             1 of 14 blobs, 1 of 3 artifacts\n  \
             entry `blobs/sha256/{}` at byte {}: it ends after 1 of 10 bytes\n  \
             file `setup.sh` is not whole\n\n\
             hint: copy the file again from the connected side, and prove it with `airgap-bundle verify`, which names all that is wrong\n\
             the bundle is not good: 1 damaged place, 1 missing part; 1 of 3 artifacts are whole\n",
            damaged.offset,
            damaged.digest.hex(),
            tar.len(),
            last.digest.hex(),
            last.header,
        ))
        .code(3);
    let report = site.run("verify b.tar --json").json(3);
    assert_eq!(report["bundle"]["complete"], false);
    site.run("inspect b.tar").stderr_holds("is incomplete: at byte").code(3);
}

#[test]
fn a_file_that_lacks_its_last_bytes_has_every_blob() {
    let tar = pack().tar();
    let (length, cut) = (tar.len(), tar.len() - 700);
    Site::new()
        .bytes("b.tar", &tar[..cut])
        .run("verify b.tar")
        .stderr(&format!(
            "error: `b.tar` is incomplete: at byte {cut}: the file ends: expected {length} bytes, got {cut} bytes: only \
             the end of the archive is missing, every blob is there\n\n\
             hint: copy the file again from the connected side, and prove it with `airgap-bundle verify`, which names all that is wrong\n\
             the bundle is not good: 1 missing part; 3 of 3 artifacts are whole\n",
        ))
        .code(3);
}

#[test]
fn what_a_short_file_lost_is_told_up_to_a_bound() {
    let mut pack = Pack::new();
    for number in 0..30 {
        pack = pack.file(&format!("file-{number:02}"), format!("content {number}").as_bytes());
    }
    let tar = pack.tar();
    let cut = opened(&tar).slots().head() + 1;
    let text =
        Site::new().bytes("b.tar", &tar[..usize::try_from(cut).unwrap()]).run("verify b.tar").stderr_of(3);
    assert_eq!(text.matches("\n  entry `blobs/").count(), 20, "{text}");
    assert_eq!(text.matches("\n  file `file-").count(), 20, "{text}");
    assert!(text.contains("  and 41 more blobs\n") && text.contains("  and 10 more artifacts\n"), "{text}");
}

#[test]
fn an_incomplete_bundle_says_so_first_and_last() {
    let site = Site::new().bytes("b.tar", &pack().missing("quay.io/a/three:3").tar());
    let said = "INCOMPLETE: 1 of 4 artifacts were not exported\n\
                proved 3 artifacts, 14 blobs, 423.0 KiB\n\
                bundle id sha256:[1]\n\
                integrity only: nothing here proves who made this bundle; `--expect sha256:…` does\n\
                INCOMPLETE: 1 of 4 artifacts were not exported\n";
    site.run("verify b.tar").stderr(said).code(4);
    site.run("verify b.tar --allow-incomplete").stderr(said).code(0);
    let line = "INCOMPLETE: 1 of 4 artifacts were not exported\n";
    site.run("verify b.tar --quiet").stderr(line).code(4);
    site.run("verify b.tar --progress none").stderr(said).code(4);
    site.run("import b.tar --to 127.0.0.1:1 --quiet --retries 1")
        .stderr_holds(&format!("{line}error: "))
        .stderr_holds(&format!("\n{line}"))
        .code(1);
    let report = site.run("verify b.tar --json").json(4);
    assert_eq!((&report["bundle"]["complete"], &report["status"]), (&false.into(), &"partial".into()));
}

#[test]
fn reserved_entries_are_told_and_not_proven() {
    let mut tar = pack().tar();
    tar.truncate(tar.len() - 1024);
    put(&mut tar, "signatures/cosign.bundle", b"anything");
    put(&mut tar, &format!("trees/{}", "a".repeat(120)), b"");
    tar.resize(tar.len() + 1024, 0);
    Site::new()
        .bytes("b.tar", &tar)
        .run("verify b.tar")
        .stderr_holds(
            "warning: not covered by the bundle id: entry `signatures/cosign.bundle` and 1 more, 8 bytes\n",
        )
        .stderr_holds("proved 3 artifacts")
        .code(0);
}

#[test]
fn what_is_not_there_is_said_with_a_hint() {
    Site::new()
        .run("verify")
        .stderr(
            "error: bundle `airgap-bundle.tar` was not found\n\n\
             hint: name the bundle after the command, or run `airgap-bundle export` to make one\n",
        )
        .code(1);
    Site::new()
        .run("verify home")
        .stderr(
            "error: `home` is a folder, not a bundle\n\nhint: name the file that `airgap-bundle export` made\n",
        )
        .code(2);
    Site::new()
        .bytes("home/airgap-bundle.tar", b"")
        .run("import --to q.io home")
        .stderr_holds("\nhint: name the bundle in it: `home/airgap-bundle.tar`\n")
        .code(2);
}
