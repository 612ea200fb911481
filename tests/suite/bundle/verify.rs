//! `airgap-bundle verify`.

use airgap_bundle::stores::bundle::reader::Bundle;
use std::process::Command;
use std::sync::Arc;

use crate::fixture;
use crate::fixture::{Pack, put};
use crate::site::Site;
use crate::tools;

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
    site.run("inspect b.tar").any_stdout().stderr_holds("is incomplete: at byte").code(3);
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
    let said = "INCOMPLETE: 1 of 4 artifacts were not exported: `quay.io/a/three:3`\n\
                proved 3 artifacts, 14 blobs, 423.0 KiB\n\
                bundle id sha256:[1]\n\
                integrity only: nothing here proves who made this bundle; `--expect sha256:…` does\n\
                INCOMPLETE: 1 of 4 artifacts were not exported: `quay.io/a/three:3`\n";
    site.run("verify b.tar").stderr(said).code(4);
    site.run("verify b.tar --allow-incomplete").stderr(said).code(0);
    let line = "INCOMPLETE: 1 of 4 artifacts were not exported: `quay.io/a/three:3`\n";
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

/// What is said where the head is damaged, and nothing else.
fn damaged_head(offset: usize, message: &str) -> String {
    format!(
        "error: `b.tar` is damaged: at byte {offset}: {message}\n\n\
         hint: copy the file again from the connected side, and prove it with `airgap-bundle verify`, which names all that is wrong\n\
         the bundle is not good: 1 damaged place; 3 of 3 artifacts are whole\n"
    )
}

/// Where `needle` stands last.
fn find(tar: &[u8], needle: &[u8]) -> usize {
    tar.windows(needle.len()).rposition(|window| window == needle).unwrap()
}

#[test]
fn a_damaged_head_is_one_place_and_the_rest_is_proven() {
    let good = pack().tar();
    let bundle_json = find(&good, b"bundle.json");
    let id = find(&good, b"\"dev.airgap-bundle.id\":\"sha256:");
    let arch = find(&good, b"linux/amd64");
    for (at, message) in [
        (3, "the header of `oci-layout` has wrong bytes"),
        (520, "`oci-layout` has wrong bytes"),
        (600, "the padding after `oci-layout` is not zero"),
        (1024 + 128, "the header of `index.json` has wrong bytes"),
        (1536, "`index.json` has wrong bytes"),
        (id + 5, "`index.json` has wrong bytes"),
        (id + 40, "`index.json` has wrong bytes"),
        (bundle_json - 1, "the padding after `index.json` is not zero"),
        (bundle_json + 5, "the header of `bundle.json` has wrong bytes"),
        (bundle_json + 130, "the header of `bundle.json` has wrong bytes"),
    ] {
        let mut tar = good.clone();
        tar[at] ^= 1;
        Site::new().bytes("b.tar", &tar).run("verify b.tar").stderr(&damaged_head(at, message)).code(3);
    }
    let mut tar = good.clone();
    tar[arch + 10] ^= 1;
    let site = Site::new().bytes("b.tar", &tar);
    let message = "`bundle.json`: expected sha256:[1], as `index.json` says, got sha256:[2]";
    site.run("verify b.tar").stderr(&damaged_head(bundle_json + 512, message)).code(3);
    // What was said first of all is what the bundle is approved by.
    let report = site.run("verify b.tar --json").json(3);
    assert_eq!(report["bundle"]["id"], opened(&good).id().to_string());
    assert_eq!(report["artifacts"][2]["status"], "done");
    let other = "0".repeat(64);
    site.run(&format!("verify b.tar --expect sha256:{other}"))
        .stderr_holds("the bundle id of `b.tar`")
        .code(3);
}

#[test]
fn everything_that_is_wrong_is_told_of_a_damaged_head_too() {
    let mut tar = pack().tar();
    let bundle = opened(&tar);
    let layer = *bundle.slots().get(&bundle.contents().blobs[0].digest).unwrap();
    tar[1] ^= 1;
    tar[1600] ^= 1;
    tar[usize::try_from(layer.offset).unwrap()] ^= 1;
    Site::new()
        .bytes("b.tar", &tar)
        .run("verify b.tar")
        .stderr(&format!(
            "error: `b.tar` is damaged: at byte 1: the header of `oci-layout` has wrong bytes\n\
             error: `b.tar` is damaged: at byte 1600: `index.json` has wrong bytes\n\
             error: `b.tar` is damaged: at byte {}: entry `blobs/sha256/{}` has other bytes: got sha256:[1], in `quay.io/a/one:1`\n\n\
             hint: copy the file again from the connected side, and prove it with `airgap-bundle verify`, which names all that is wrong\n\
             the bundle is not good: 3 damaged places; 2 of 3 artifacts are whole\n",
            layer.offset,
            layer.digest.hex(),
        ))
        .code(3);
}

#[test]
fn blobs_are_proven_by_their_names_where_the_list_is_lost() {
    let mut tar = pack().tar();
    let bundle = opened(&tar);
    let layer = *bundle.slots().get(&bundle.contents().blobs[0].digest).unwrap();
    let next = *bundle.slots().get(&bundle.contents().blobs[1].digest).unwrap();
    let artifacts = find(&tar, b",\"manifests\":[{\"digest\"");
    tar[artifacts] ^= 1;
    tar[usize::try_from(layer.offset).unwrap()] ^= 1;
    tar[usize::try_from(next.header).unwrap() + 20] ^= 1;
    let site = Site::new().bytes("b.tar", &tar);
    site.run("verify b.tar")
        .stderr(&format!(
            "error: `b.tar` is damaged: at byte {artifacts}: `bundle.json`: expected sha256:[1], as `index.json` \
             says, got sha256:[2], and it cannot be believed: expected `,` or `}}` at line 1 column {column}; what the bundle carries is unknown, so the blobs that are there are proven by the \
             names of their entries\n\
             error: `b.tar` is damaged: at byte {}: entry `blobs/sha256/{}` has other bytes: got sha256:[3]\n\
             error: `b.tar` is damaged: at byte {}: expected the header of an entry, got other bytes\n\n\
             hint: copy the file again from the connected side, and prove it with `airgap-bundle verify`, which names all that is wrong\n\
             the bundle is not good: what it carries is unknown; 12 of 13 blobs under their own names are whole\n",
            layer.offset,
            layer.digest.hex(),
            next.header,
            column = artifacts - find(&tar, b"bundle.json") - 512 + 1,
        ))
        .code(3);
    let report = site.run("verify b.tar --json").json(3);
    assert_eq!((&report["status"], &report["artifacts"]), (&"failed".into(), &serde_json::json!([])));
    assert_eq!(report["bundle"]["id"], bundle.id().to_string());
    assert_eq!(report["errors"].as_array().unwrap().len(), 3);
}

#[test]
fn a_digest_that_is_damaged_in_the_list_is_not_blamed_on_the_blob() {
    let mut tar = pack().tar();
    let hex = opened(&tar).contents().blobs[0].digest.hex();
    let at = find(&tar, format!("\"sha256:{hex}\",\"size\"").as_bytes()) + 30;
    tar[at] = if tar[at] == b'0' { b'1' } else { b'0' };
    Site::new()
        .bytes("b.tar", &tar)
        .run("verify b.tar")
        .stderr_holds("got sha256:[2], and it cannot be believed: the entries are others than it says")
        .stderr_holds("14 of 14 blobs under their own names are whole\n")
        .code(3);
}

#[test]
fn a_page_that_is_lost_is_told_as_such() {
    let good = pack().tar();
    for (from, to) in [(0, 512), (0, 1536), (1024, 2048), (0, find(&good, b"bundle.json"))] {
        let mut tar = good.clone();
        tar[from..to].fill(0);
        let said = Site::new().bytes("b.tar", &tar).run("verify b.tar").stderr_of(3);
        assert!(said.contains("3 of 3 artifacts are whole"), "{from}..{to}: {said}");
        assert!(
            said.contains(" has wrong bytes") || said.contains("its first block"),
            "{from}..{to}: {said}"
        );
    }
    // With the list, what it carries is lost.
    let mut tar = good.clone();
    tar[..opened(&good).slots().head().try_into().unwrap()].fill(0);
    Site::new().bytes("b.tar", &tar).run("verify b.tar").stderr_holds("got zeros").code(3);
}

#[test]
fn an_unfinished_export_is_told_as_one() {
    let good = pack().tar();
    let bundle = opened(&good);
    let mut tar = good.clone();
    tar[..512].fill(0);
    let last = bundle.slots().iter().last().unwrap();
    let said = "error: `b.tar` is incomplete: at byte 0: it is an unfinished export: its first block, which is written last, is empty";
    let hint = "\n\nhint: run the same `airgap-bundle export` again: it goes on where it was\n";
    let site = Site::new().bytes("b.tar", &tar);
    site.run("inspect b.tar").stderr(&format!("{said}{hint}")).code(3);
    site.run("import b.tar --to 127.0.0.1:1").stderr(&format!("{said}{hint}")).code(3);
    // Only that block is missing: everything else is proven.
    site.run("verify b.tar")
        .stderr_holds(&format!("{said}\n"))
        .stderr_holds("1 missing part; 3 of 3 artifacts are whole\n")
        .code(3);
    tar[usize::try_from(last.header).unwrap()..].fill(0);
    Site::new()
        .bytes("b.tar", &tar)
        .run("verify b.tar")
        .stderr(&format!("{said}, and so are 1 of its 14 blobs{hint}"))
        .code(3);
}

#[test]
fn images_that_another_tool_has_packed_are_told_from_a_bundle() {
    let hint = "hint: copy what is in it to a registry (`skopeo copy` does), name it in a list, and make a bundle with `airgap-bundle export`\n";
    let site = Site::new();
    fixture::image(1, 1, 100).write_layout(&site.path("layout"), "quay.io/a/one:1");
    for (kind, what) in
        [("oci-archive", "an OCI image layout in a tar"), ("docker-archive", "an archive of `docker save`")]
    {
        let [from, to] = [
            format!("oci:{}", site.path("layout").display()),
            format!("{kind}:{}", site.path("other.tar").display()),
        ];
        let copied =
            Command::new(tools::find("skopeo")).args(["copy", "--quiet", &from, &to]).output().unwrap();
        assert!(copied.status.success(), "{copied:?}");
        for verb in ["verify", "inspect"] {
            site.run(&format!("{verb} other.tar"))
                .stderr_holds("error: `other.tar` is not a bundle that this version reads: at byte 0: expected entry `oci-layout`, got ")
                .stderr_holds(&format!(": it is {what}, and was not made by airgap-bundle\n\n{hint}"))
                .code(3);
        }
        std::fs::remove_file(site.path("other.tar")).unwrap();
    }
    site.run("verify layout")
        .stderr("error: `layout` is a folder with an OCI image layout, not a bundle\n\nhint: name the file that `airgap-bundle export` made\n")
        .code(2);
}
