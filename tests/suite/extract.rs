//! `extract`: which files come out, under which names, and what is never written to.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::json;

use crate::fixture::{Pack, chart, file, image};
use crate::site::{CARRY_AGAIN, Site};

const EXTRACT: &str = "extract --to out site.tar";
const INTEGRITY: &str =
    "integrity only: nothing here proves who made this bundle; `--expect sha256:…` does\n";

fn site(pack: &Pack) -> Site {
    Site::new().bytes("site.tar", &pack.tar())
}

fn two_files() -> Pack {
    Pack::new()
        .graph("setup.sh", &file("setup.sh", b"#!/bin/sh\n", "0755"))
        .graph("site/values/prod.yaml", &file("site/values/prod.yaml", b"a: 1\n", "0644"))
}

#[test]
fn files_and_charts_come_out_under_their_names() {
    let pack = two_files()
        .graph("quay.io/charts/app:1.0.0_b1", &chart("app", "1.0.0+b1", b"packed"))
        .graph("docker.io/library/nginx:1.27", &image(300, 1, 10));
    let site = site(&pack);
    let listed = "quay.io/charts/app:1.0.0_b1 -> out/app-1.0.0+b1.tgz\n\
                  quay.io/charts/app:1.0.0_b1 -> out/app-1.0.0+b1.tgz.prov\n\
                  setup.sh -> out/setup.sh\n\
                  site/values/prod.yaml -> out/site/values/prod.yaml\n";
    site.run(&format!("{EXTRACT} --dry-run"))
        .stdout(listed)
        .stderr("4 files (37 B) to write to `out`, 1 other artifact skipped\n")
        .code(0);
    assert!(!site.path("out").exists());
    site.run(EXTRACT)
        .stderr(&format!("4 files (37 B) written to `out`, 1 other artifact skipped\n{INTEGRITY}"))
        .code(0);
    let files =
        ["out/app-1.0.0+b1.tgz", "out/app-1.0.0+b1.tgz.prov", "out/setup.sh", "out/site/values/prod.yaml"];
    assert_eq!(site.files("out"), files);
    assert_eq!(site.read("out/app-1.0.0+b1.tgz"), b"packed");
    let mode = |path: &str| fs::metadata(site.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("out/setup.sh"), mode("out/site/values/prod.yaml")), (0o755, 0o644));

    site.run(EXTRACT)
        .stderr(&format!("0 files (0 B) written to `out`, 4 present, 1 other artifact skipped\n{INTEGRITY}"))
        .code(0);
    let json = site.run(&format!("{EXTRACT} --json --only chart")).json(0);
    assert_eq!(json["artifacts"][0]["status"], "present");
    assert_eq!(json["artifacts"][0]["target"], "out/app-1.0.0+b1.tgz");
    assert_eq!(json["totals"]["present"], json!(22));
}

#[test]
fn files_with_other_content_are_all_told_and_the_others_go_on() {
    let pack =
        two_files().graph("third", &file("third", b"3", "0644")).graph("four", &file("four", b"4", "0644"));
    let site = site(&pack).bytes("out/setup.sh", b"mine").bytes("out/four", b"also mine");
    let site = site.bytes("out/site/values", b"a file where a folder must be");
    let in_the_way = "error: could not extract `site/values/prod.yaml`\n  cause: `out/site/values` is in the way\n\
                      \nhint: move it away, or name another folder with `--to`\n";
    let other = "error: could not extract 2 files:\n  `four`\n  `setup.sh`\n  \
                 cause: something with other content is there already\n\
                 \nhint: replace it with `--force`, or name another folder with `--to`\n";
    for flags in ["--dry-run", ""] {
        site.run(&format!("{EXTRACT} {flags}"))
            .any_stdout()
            .stderr_holds(in_the_way)
            .stderr_holds(other)
            .stderr_holds("1 file (1 B) ")
            .stderr_holds(", 3 failed\n")
            .code(4);
    }
    assert_eq!(site.read("out/setup.sh"), b"mine");
    assert_eq!(site.read("out/third"), b"3");
    site.run(&format!("{EXTRACT} --force"))
        .stderr(&format!("{in_the_way}2 files (11 B) written to `out`, 1 present, 1 failed\n"))
        .code(4);
    assert_eq!(site.read("out/setup.sh"), b"#!/bin/sh\n");
}

#[test]
fn a_file_with_another_mode_alone_gets_its_own() {
    let site = site(&two_files());
    site.run(EXTRACT).any_stderr().code(0);
    let set = |mode| {
        fs::set_permissions(site.path("out/setup.sh"), fs::Permissions::from_mode(mode)).unwrap();
    };
    set(0o644);
    site.run(&format!("{EXTRACT} --dry-run"))
        .stdout_holds("setup.sh -> out/setup.sh (permissions)\n")
        .any_stderr()
        .code(0);
    site.run(EXTRACT)
        .stderr(&format!("0 files (0 B) written to `out`, 1 given its permissions, 1 present\n{INTEGRITY}"))
        .code(0);
    assert_eq!(fs::metadata(site.path("out/setup.sh")).unwrap().permissions().mode() & 0o777, 0o755);
}

#[test]
fn a_file_is_no_folder_to_extract_to() {
    let site = site(&two_files()).bytes("out", b"a file");
    site.run(EXTRACT)
        .stderr_holds("error: `--to out` is not a folder\n")
        .stderr_holds("hint: name a folder, which is made where it is missing\n")
        .code(2);
}

#[test]
fn links_in_the_folder_lead_nowhere() {
    let site = site(&two_files());
    fs::create_dir_all(site.path("out")).unwrap();
    fs::create_dir_all(site.path("outside")).unwrap();
    symlink("../outside", site.path("out/site")).unwrap();
    symlink("../outside/victim", site.path("out/setup.sh")).unwrap();
    site.run(EXTRACT)
        .stderr_holds(
            "could not extract `setup.sh`\n  cause: something with other content is there already\n",
        )
        .stderr_holds("cause: `out/site` is in the way\n")
        .code(1);
    site.run(&format!("{EXTRACT} --force")).stderr_holds("cause: `out/site` is in the way\n").code(4);
    assert_eq!(site.files("outside"), [""; 0]);
    assert!(!site.path("out/setup.sh").is_symlink());
}

#[test]
fn names_that_lead_elsewhere_are_refused_and_the_others_go_on() {
    let hostile = ["../evil", "/etc/evil", "a/../../evil", "con.txt", "a\\b", "tab\tbed", "end."];
    let pack = hostile.iter().enumerate().fold(two_files(), |pack, (number, name)| {
        pack.graph(&format!("file-{number}"), &file(name, b"evil", "0755"))
    });
    let site = site(&pack);
    let json = site.run(&format!("{EXTRACT} --json")).json(4);
    let failed = json["artifacts"].as_array().unwrap().iter().filter(|row| row["status"] == "failed").count();
    assert_eq!(failed, hostile.len());
    assert_eq!(site.files("."), ["out/setup.sh", "out/site/values/prod.yaml", "site.tar"]);
    site.run(&format!("{EXTRACT} --only file-5"))
        .stderr_holds("cause: `tab\\tbed` is not a name that a file may have: it holds control characters\n")
        .code(1);
}

#[test]
fn two_files_under_one_name_are_refused() {
    let pack = two_files()
        .graph("other", &file("Setup.sh", b"1", "0644"))
        .graph("again", &file("site/values/prod.yaml", b"2", "0644"));
    let site = site(&pack);
    site.run(EXTRACT)
        .stderr(
            "error: several files of the bundle would take one name:\n  `site/values/prod.yaml`\n  \
             `Setup.sh` and `setup.sh`\n\
             \nhint: extract them one after the other, with `--only` and `--except`, into different folders\n",
        )
        .code(1);
    assert!(!site.path("out").exists());
    site.run(&format!("{EXTRACT} --except other --except again")).any_stderr().code(0);
}

#[test]
fn damaged_bytes_never_become_a_file() {
    let mut bytes = Pack::new()
        .graph("good", &file("good", b"good content", "0644"))
        .graph("bad", &file("bad", b"some content", "0644"))
        .tar();
    let at = bytes.windows(12).position(|window| window == b"some content").unwrap();
    bytes[at] ^= 1;
    let site = Site::new().bytes("site.tar", &bytes);
    site.run(EXTRACT)
        .stderr(&format!(
            "error: could not extract `bad`\n  cause: reading from bundle `site.tar`: blob sha256:[1] has \
             other bytes: got sha256:[2]\n{CARRY_AGAIN}1 file (12 B) written to `out`, 1 failed\n"
        ))
        .code(3);
    assert_eq!(site.files("out"), ["out/good"]);
}

#[test]
fn a_file_that_could_not_be_extracted_is_not_exported() {
    let site = Site::new().file("con.txt", "a").file("artifacts.txt", "file ./con.txt\n");
    site.run("export --list artifacts.txt -o site.tar")
        .stderr_holds("artifacts.txt:1:1: `con.txt` is not a name that a file may have: Windows reserves it for a device")
        .code(2);
    let site = site.file("artifacts.txt", "file ./con.txt name=console.txt\n");
    site.run("export --list artifacts.txt -o site.tar").any_stdout().any_stderr().code(0);
    site.run(EXTRACT).stderr(&format!("1 file (1 B) written to `out`\n{INTEGRITY}")).code(0);
    assert_eq!(site.read("out/console.txt"), b"a");
}

#[test]
fn a_selection_that_leaves_nothing_to_extract_is_refused() {
    let site = site(&two_files().graph("docker.io/library/nginx:1.27", &image(300, 1, 10)));
    for flags in ["--only nothing", "--only file --except files", "--only image"] {
        site.run(&format!("{EXTRACT} {flags}"))
            .stderr_holds("error: `--only` and `--except` leave none of the bundle's files, charts, snaps and assertions\n")
            .code(2);
    }
    assert!(!site.path("out").exists());
}
