//! `bundle-format.md` and the schemas beside it say what the program does.

use std::fmt::Write as _;

use serde_json::Value;

use crate::fixture;
use crate::fixture::Pack;
use crate::python::{fits_schema, prove_with_python};
use crate::site::Site;

const PAGE: &str = include_str!("../../../bundle-format.md");

/// Writes bytes as the example of the page does: rows of sixteen, those that are all zero left out.
fn rows(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (row, at) in bytes.chunks(16).zip((0..).step_by(16)) {
        if row.iter().any(|byte| *byte != 0) {
            write!(text, "{at:08x}:").unwrap();
            for pair in row.chunks(2) {
                write!(text, " {:02x}{:02x}", pair[0], pair[1]).unwrap();
            }
            let shown = |byte: &u8| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' };
            writeln!(text, "  {}", row.iter().map(shown).collect::<String>()).unwrap();
        }
    }
    text
}

#[test]
fn the_example_is_what_export_makes() {
    let site = Site::new().file("hello.txt", "hello\n");
    site.run("export \"file ./hello.txt\"").any_stdout().any_stderr().code(0);
    let bundle = site.read("airgap-bundle.tar");
    assert_eq!(bundle.len(), 8192);
    let example = PAGE.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(example, rows(&bundle));
    let report = site.run("inspect --json").json(0);
    assert!(PAGE.contains(&format!("`{}`", report["bundle"]["id"].as_str().unwrap())));
    let listed = prove_with_python(&site.path("airgap-bundle.tar"));
    assert!(listed.starts_with("file hello.txt sha256:"), "{listed}");
}

/// A bundle with one of each kind of artifact and of field that tests can make.
pub(super) fn varied() -> Pack {
    let narrowed = fixture::index(7, &["linux/amd64", "linux/arm/v7"], 1, 600);
    Pack::new()
        .graph("quay.io/a/one:1", &fixture::image(1, 2, 3000))
        .graph("quay.io/a/\"index\":2".replace('"', "").as_str(), &narrowed)
        .graph("quay.io/a/sbom:1", &fixture::artifact(3, "application/x.sbom \"and\" \\more", None))
        .file("sub/größe \"x\"", b"#!/bin/sh\n")
        .file("empty", b"")
        .source("https://[::1]:8443/a%20b/empty?")
        .missing("quay.io/a/three:3")
        .label("site", "north \"wing\" \\ ü")
}

#[test]
fn the_second_reader_proves_what_ours_proves() {
    let site = Site::new().bytes("b.tar", &varied().tar());
    site.run("verify b.tar --allow-incomplete").any_stderr().code(0);
    let listed = prove_with_python(&site.path("b.tar"));
    let report = site.run("inspect b.tar --json").json(0);
    let expected = |row: &Value| {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        if row["digest"].is_null() {
            return format!("missing {}\n", text("reference"));
        }
        format!("{} {} {} {}\n", text("kind"), text("reference"), text("digest"), row["size"])
    };
    let mut lines: String = report["artifacts"].as_array().unwrap().iter().map(expected).collect();
    writeln!(lines, "bundle id {}", report["bundle"]["id"].as_str().unwrap()).unwrap();
    assert_eq!(listed, lines);
}

#[test]
fn the_schemas_fit_what_is_written_and_nothing_else() {
    let contents = varied().contents();
    let bundle = contents.to_bytes();
    let id = airgap_bundle::model::digest::Digest::sha256(&bundle);
    assert!(fits_schema("bundle.schema.json", &bundle));
    assert!(fits_schema("index.schema.json", &contents.index(&id)));
    let changed = |pointer: &str, value: Value| {
        let mut document: Value = serde_json::from_slice(&bundle).unwrap();
        *document.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
        document.to_string().into_bytes()
    };
    for (pointer, value) in [
        ("/format", 2.into()),
        ("/artifacts/0/kind", "volume".into()),
        ("/artifacts/0/digest", "sha256:12".into()),
        ("/artifacts/0/mediaType", "text/plain".into()),
        ("/artifacts/0/names/0", "a\u{1b}".into()),
        ("/artifacts/2/source", "https://me@h/x".into()),
        ("/artifacts/2/source", "https://h/x?y=z".into()),
        ("/artifacts/0/size", (-1).into()),
        ("/manifests/0/size", 8_388_609.into()),
        ("/configs/0/size", 4_194_305.into()),
        ("/blobs/0", Value::Null),
        ("/missing/0/reference", "".into()),
        ("/labels/site", 1.into()),
    ] {
        assert!(!fits_schema("bundle.schema.json", &changed(pointer, value)), "{pointer}");
    }
}
