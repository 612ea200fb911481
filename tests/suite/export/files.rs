//! Plain files and folders.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use airgap_bundle::model::digest::Digest;

use super::{ID, contents, entries, made, registry, site};
use crate::fixture::packed;
use crate::site::Site;

/// Returns the manifests of a bundle's files, by name.
fn manifests(site: &Site, bundle: &str) -> Vec<(String, serde_json::Value)> {
    let entries = entries(site, bundle);
    let contents = contents(site, bundle);
    let artifacts = contents["artifacts"].as_array().unwrap().clone();
    let manifest = |row: &serde_json::Value| {
        let path = format!("blobs/{}", row["digest"].as_str().unwrap().replacen(':', "/", 1));
        let (_, bytes) = entries.iter().find(|(name, _)| *name == path).unwrap();
        (row["reference"].as_str().unwrap().to_owned(), serde_json::from_slice(bytes).unwrap())
    };
    artifacts.iter().map(manifest).collect()
}

#[test]
fn a_folder_is_every_file_under_it_and_keeps_what_may_run() {
    let site = Site::new()
        .file("tools/bin/run", "#!/bin/sh\n")
        .file("tools/read me.txt", "hello")
        .bytes("tools/empty", b"")
        .file("list/a.txt", "file ../tools\nfile ../tools/empty name=\"other name/x\"\n");
    fs::set_permissions(site.path("tools/bin/run"), fs::Permissions::from_mode(0o750)).unwrap();
    let said =
        made("4 artifacts, 8 blobs, 16.5 KiB", "airgap-bundle.tar", "2.1 KiB fetched, 0 B there already");
    site.run("export --list list/a.txt").stdout(ID).stderr(&said).code(0);
    let modes: Vec<(String, String)> = manifests(&site, "airgap-bundle.tar")
        .into_iter()
        .map(|(name, manifest)| {
            let title = &manifest["layers"][0]["annotations"]["org.opencontainers.image.title"];
            assert_eq!(title, &name);
            (name, manifest["annotations"]["dev.airgap-bundle.file.mode"].as_str().unwrap().to_owned())
        })
        .collect();
    let expected = [
        ("other name/x", "0644"),
        ("tools/bin/run", "0755"),
        ("tools/empty", "0644"),
        ("tools/read me.txt", "0644"),
    ];
    assert_eq!(modes, expected.map(|(name, mode)| (name.to_owned(), mode.to_owned())));
}

#[test]
fn links_in_a_folder_and_two_files_of_one_name_are_errors() {
    let site = Site::new()
        .file("tools/a", "a")
        .file("one/setup.sh", "1")
        .file("two/setup.sh", "2")
        .file("links.txt", "file ./tools\n")
        .file("twice.txt", "./one/setup.sh\n./two/setup.sh\n")
        .file("mended.txt", "file ./one/setup.sh\nfile ./two/setup.sh name=two.sh\n");
    symlink("a", site.path("tools/b")).unwrap();
    site.run("export --list links.txt")
        .stderr_holds("error: could not export `tools` (links.txt:1:1)\n  cause: ")
        .stderr_holds("tools/b` is a symbolic link")
        .code(1);
    site.run("export --list twice.txt")
        .stderr(
            "error: twice.txt:2:1: `setup.sh` is the name of another file, too: that of twice.txt:1:1\n\n\
             hint: rename one of them, or give it another name with `name=` on its line\n",
        )
        .code(2);
    site.run("export --list mended.txt").stdout(ID).any_stderr().code(0);
    assert!(!site.files(".").iter().any(|file| file.contains("partial")));
}

/// What `extract` would refuse behind the air gap is told before anything is asked.
#[test]
fn names_that_cannot_stand_beside_each_other_are_told_before_any_network() {
    let server = registry();
    let (one, two) = ("11".repeat(32), "22".repeat(32));
    let site = site(&server)
        .file("a", "1")
        .file("A", "1")
        .file("tools/gr\u{fc}n", "1")
        .file(
            "list.txt",
            &format!(
                "REGISTRY/one:1\nfile ./a\nfile ./A\nfile ./tools\nfile ./a name=\"tools/gru\u{308}n\"\n\
             file ./a name=a/b\nfile https://h.example/CON.zip\n\
             file https://h.example/x.zip sha256={one}\nfile https://i.example/x.zip sha256={two}\n"
            ),
        )
        .file("two.txt", "file ./a\nfile ./A\n")
        .file("same.txt", "file ./a\nfile ./A name=a\n");
    site.run("export --list list.txt")
        .stderr(
            "error: list.txt:3:1: `A` and `a` (list.txt:2:1) cannot both be extracted: names that differ in case or Unicode form alone are one on some file systems\n\
             \x20 list.txt:5:1: `tools/gru\u{308}n` and `tools/gr\u{fc}n` (list.txt:4:1) cannot both be extracted: names that differ in case or Unicode form alone are one on some file systems\n\
             \x20 list.txt:6:1: `a/b` and `a` (list.txt:2:1) cannot both be extracted: one is a file where the other needs a folder\n\
             \x20 list.txt:7:1: `CON.zip` is not a name that a file may have: Windows reserves it for a device\n\
             \x20 list.txt:9:1: `x.zip` is the name of another file, too: that of list.txt:8:1\n\n\
             hint: rename one of them, or give it another name with `name=` on its line\n",
        )
        .code(2);
    assert!(server.requests().is_empty());
    // What is not selected clashes with nothing, and the same content under one name is one file.
    site.run("export --list two.txt --only a -o a.tar").stdout(ID).any_stderr().code(0);
    site.run("export --list same.txt -o same.tar").stdout(ID).any_stderr().code(0);
}

#[test]
fn an_address_is_fetched_and_its_digest_told() {
    let server = registry();
    let digest = server.registry().put_blob("store", b"content of a file").unwrap();
    let site = site(&server).named("DIGEST", digest.hex());
    let url = format!("http://REGISTRY/v2/store/blobs/{digest}");
    let site = site
        .file("a.txt", &format!("file {url} name=x.zip\n"))
        .file("pinned.txt", &format!("file {url} name=x.zip sha256=DIGEST\n"))
        .file("wrong.txt", &format!("file {url} name=x.zip sha256={}\n", "0".repeat(64)));
    let said = made("1 artifact, 3 blobs, 8.0 KiB", "airgap-bundle.tar", "556 B fetched, 0 B there already");
    let warning = "warning: `http://REGISTRY/v2/store/blobs/sha256:DIGEST` is fetched unproven; add `sha256=DIGEST` to its line\n";
    site.run("export --list a.txt").stdout(ID).stderr(&format!("{warning}{said}")).code(0);
    let (_, content) = entries(&site, "airgap-bundle.tar").pop().unwrap();
    assert_eq!(content, b"content of a file");
    site.run("export --list pinned.txt")
        .stdout(ID)
        .stderr("`airgap-bundle.tar` is this very bundle already\n")
        .code(0);
    site.run("export --list wrong.txt -o wrong.tar")
        .stderr(
            "error: could not export `x.zip`\n\
             \x20 cause: reading from `http://REGISTRY/v2/store/blobs/sha256:DIGEST`: blob sha256:[1] has other bytes: got sha256:DIGEST\n\
             1 of 1 artifact failed; no bundle was made\n\
             what was fetched is kept beside `wrong.tar`\n",
        )
        .code(3);
    let gone = Digest::sha256(b"gone");
    site.run(&format!("export \"http://REGISTRY/v2/store/blobs/{gone} name=gone\" -o gone.tar"))
        .stderr_holds("/v2/store/blobs/sha256:[1]` was not found\n")
        .code(1);
    let left: Vec<String> =
        site.files(".").into_iter().filter(|file| !file.starts_with("wrong.tar.partial")).collect();
    assert_eq!(left, ["a.txt", "airgap-bundle.tar", "pinned.txt", "wrong.txt"]);
}

#[test]
fn a_chart_on_disk_is_not_taken_for_a_file() {
    let site = Site::new().bytes("c-1.0.0.tgz", &packed("c/Chart.yaml")).bytes("plain.tgz", b"no archive");
    site.run("export ./c-1.0.0.tgz")
        .stderr(
            "error: could not export `c-1.0.0.tgz` (argument 1)\n\
             \x20 cause: `./c-1.0.0.tgz` is a chart, which cannot be exported by this version\n\n\
             hint: write `file ./c-1.0.0.tgz` to carry it as a plain file\n\
             1 of 1 artifact failed; no bundle was made\n",
        )
        .code(2);
    site.run("export \"file ./c-1.0.0.tgz\" ./plain.tgz").stdout(ID).any_stderr().code(0);
    assert_eq!(contents(&site, "airgap-bundle.tar")["artifacts"].as_array().unwrap().len(), 2);
}
