//! What a person, and a program, is told.

use airgap_bundle::model::digest::Digest;

use super::{ID, asked, entries, made, next, registry, site};
use crate::fixture::{artifact, image, image_for, index, index_of};
use crate::site::Site;

/// Two images of one repository, one for two platforms, and a file.
const LIST: &str = "REGISTRY/app/one:1.0\nREGISTRY/multi:2\nfile ./setup.sh\n";

fn content() -> (airgap_bundle::stores::registry::server::Server, Site) {
    let server = registry();
    image(1, 2, 1000).put(server.registry(), "app/one", Some("1.0"));
    index(3, &["linux/amd64", "linux/arm64"], 2, 3000).put(server.registry(), "multi", Some("2"));
    let site = site(&server).file("artifacts.txt", LIST).file("setup.sh", "#!/bin/sh\n");
    (server, site)
}

const WEIGHTS: &str = "note: every platform is carried; `--platform linux/amd64` alone: 16.6 KiB\n";

#[test]
fn a_list_becomes_a_bundle_with_an_id() {
    let (server, site) = content();
    let what = "3 artifacts, 16 blobs, 45.0 KiB";
    let said = made(what, "airgap-bundle.tar", "26.4 KiB fetched, 0 B there already");
    let printed =
        site.run("export --list artifacts.txt").stdout(ID).stderr(&format!("{WEIGHTS}{said}")).code(0);
    let names: Vec<_> = entries(&site, "airgap-bundle.tar").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[..3], ["oci-layout", "index.json", "bundle.json"]);
    assert_eq!(names.len(), 3 + 16);
    let id = Digest::sha256(&entries(&site, "airgap-bundle.tar")[2].1);
    assert_eq!(String::from_utf8(printed).unwrap(), format!("bundle id {id}\n"));
    assert_eq!(site.files("."), ["airgap-bundle.tar", "artifacts.txt", "setup.sh"]);

    // The same again is success, and no blob is asked for: what is there tells the platforms.
    let before = site.read("airgap-bundle.tar");
    server.clear_requests();
    site.run("export --list artifacts.txt")
        .stdout(ID)
        .stderr("`airgap-bundle.tar` is this very bundle already\n")
        .code(0);
    assert_eq!(asked(&server), [""; 0]);
    assert_eq!(site.read("airgap-bundle.tar"), before);
    assert_eq!(site.files("."), ["airgap-bundle.tar", "artifacts.txt", "setup.sh"]);
}

#[test]
fn json_is_one_document() {
    let (_server, site) = content();
    let document = site.run("export --list artifacts.txt --json").json(0);
    let row = |kind: &str, name: &str, reference: &str, size: u64| {
        (kind.to_owned(), name.to_owned(), reference.to_owned(), size, "done".to_owned())
    };
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows: Vec<_> = document["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                text(row, "kind"),
                text(row, "name"),
                text(row, "reference"),
                row["size"].as_u64().unwrap(),
                text(row, "status"),
            )
        })
        .collect();
    let host = site.fill("REGISTRY");
    assert_eq!(
        rows,
        [
            row("image", "one", &format!("{host}/app/one:1.0"), 5925),
            row("image", "multi", &format!("{host}/multi:2"), 20537),
            row("file", "setup.sh", "setup.sh", 552),
        ]
    );
    let totals = serde_json::json!({
        "artifacts": 3, "blobs": 16, "bytes": 27014, "transferred": 27014, "present": 0
    });
    assert_eq!(document["totals"], totals);
    let id = Digest::sha256(&entries(&site, "airgap-bundle.tar")[2].1);
    let length = site.read("airgap-bundle.tar").len();
    let bundle = serde_json::json!({
        "path": "airgap-bundle.tar", "id": id, "size": length, "format": 1, "complete": true
    });
    assert_eq!(document["bundle"], bundle);
    assert_eq!(
        (&document["schema"], &document["command"], &document["status"], &document["warnings"]),
        (&1.into(), &"export".into(), &"done".into(), &serde_json::json!([]))
    );
    let file = document["artifacts"].as_array().unwrap().last().unwrap();
    assert_eq!(file["content"], serde_json::json!({"digest": Digest::sha256(b"#!/bin/sh\n"), "size": 10}));
    assert_ne!(file["digest"], file["content"]["digest"], "that of its manifest");
    let inspected = site.run("inspect --json").json(0);
    assert_eq!(inspected["artifacts"].as_array().unwrap().last().unwrap()["content"], file["content"]);
    let again = site.run("export --list artifacts.txt --json").json(0);
    assert_eq!(again["totals"]["present"], 27014);
    assert_eq!(again["artifacts"][0]["status"], "present");
}

#[test]
fn the_dry_run_prints_every_artifact_and_writes_nothing() {
    let (server, site) = content();
    site.run("export --list artifacts.txt --dry-run")
        .stdout(
            // The columns are as wide as the port of the registry made them.
            "KIND   REFERENCE                    DIGEST                   PLATFORMS                SIZE\n\
             image  REGISTRY/app/one:1.0  sha256:8f73575aa59edbbe  linux/amd64              5.8 KiB\n\
             image  REGISTRY/multi:2      sha256:63afcbc19df79c1a  linux/amd64,linux/arm64  20.1 KiB\n\
             file   setup.sh                     sha256:a8076d3d28d21e02                           10 B\n",
        )
        .stderr(
            "3 artifacts, 16 blobs, 45.0 KiB to carry (0 B more if nothing were shared)\n\
             `--platform linux/amd64` alone: 16.6 KiB\n\
             `--platform linux/arm64` alone: 10.8 KiB (1 image lacks it and would be an error)\n\
             nothing was written\n",
        )
        .code(0);
    assert_eq!(site.files("."), ["artifacts.txt", "setup.sh"]);
    assert_eq!(asked(&server).len(), 1, "a dry run fetches nothing but the config that tells a platform");
}

/// What a dry run says is what an export then weighs, whatever is shared, pinned or narrowed by its own line.
#[test]
fn the_numbers_of_the_dry_run_are_those_of_the_export() {
    let server = registry();
    let platforms = ["linux/amd64", "linux/arm64", "linux/s390x"];
    let shared = image_for("linux/arm64", 7, 3, 40_000);
    let two = index_of(&[("linux/arm64", &shared), ("linux/s390x", &image_for("linux/s390x", 8, 1, 9_000))]);
    let pinned = index(10, &platforms[..2], 1, 2_000);
    index(9, &platforms, 2, 5_000).put(server.registry(), "three", Some("1"));
    two.put(server.registry(), "two", Some("1"));
    two.put(server.registry(), "again", Some("1"));
    shared.put(server.registry(), "single", Some("1"));
    pinned.put(server.registry(), "pinned", Some("1"));
    index(11, &platforms, 1, 1_000).put(server.registry(), "line", Some("1"));
    artifact(12, "application/vnd.example", None).put(server.registry(), "other", Some("1"));
    let list = format!(
        "REGISTRY/three:1\nREGISTRY/two:1\nREGISTRY/again:1\nREGISTRY/single:1\nREGISTRY/pinned:1@{}\n\
         REGISTRY/line:1 platform=linux/s390x\nREGISTRY/other:1\n",
        pinned.digest()
    );
    let site = site(&server).file("artifacts.txt", &list);
    let said = site.run("export --list artifacts.txt --dry-run").any_stdout().stderr_of(0);
    let shown = |bytes: &serde_json::Value| bytesize::ByteSize(bytes.as_u64().unwrap()).to_string();
    let whole = site.run("export --list artifacts.txt --json -o all.tar").json(0);
    let each: u64 = whole["artifacts"].as_array().unwrap().iter().map(|a| a["size"].as_u64().unwrap()).sum();
    let bytes = whole["totals"]["bytes"].as_u64().unwrap();
    let first = format!(
        "7 artifacts, {} blobs, {} to carry ({} more if nothing were shared)",
        whole["totals"]["blobs"],
        shown(&whole["bundle"]["size"]),
        bytesize::ByteSize(each - bytes)
    );
    assert!(said.contains(&first), "{said}\n{first}");
    for (platform, without) in [
        ("linux/amd64", " (3 images lack it and would be errors)"),
        ("linux/arm64", ""),
        ("linux/s390x", " (1 image lacks it and would be an error)"),
    ] {
        // What has none of a platform fails, and is left out here as it is in that line.
        let line = format!(
            "export --list artifacts.txt --json --keep-going --platform {platform} -o one.tar --force"
        );
        let one = site.run(&line).json(if without.is_empty() { 0 } else { 4 });
        let line = format!("`--platform {platform}` alone: {}{without}\n", shown(&one["totals"]["bytes"]));
        assert!(said.contains(&line), "{said}\n{line}");
    }
}

#[test]
fn quiet_prints_data_alone_and_verbose_every_request() {
    let (_server, site) = content();
    site.run("export --list artifacts.txt -q").stdout(ID).code(0);
    site.run("export --list artifacts.txt -v")
        .stdout(ID)
        .stderr_holds("GET http://REGISTRY/v2/multi/manifests/2")
        .stderr_holds("`airgap-bundle.tar` is this very bundle already\n")
        .code(0);
}

#[test]
fn one_artifact_is_one_artifact() {
    let (_server, site) = content();
    let said = made("1 artifact, 3 blobs, 8.0 KiB", "a.tar", "552 B fetched, 0 B there already");
    site.run("export ./setup.sh -o a.tar").stdout(ID).stderr(&said).code(0);
    assert!(said.ends_with(&next("a.tar")));
}
