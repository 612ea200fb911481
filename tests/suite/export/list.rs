//! Lists: their mistakes, and what is worth a warning.

use super::{ID, made, registry, site};
use crate::fixture::{artifact, image};
use crate::site::Site;

#[test]
fn all_mistakes_are_told_at_once_and_nothing_is_asked() {
    let server = registry();
    let site = site(&server).file("good.txt", "REGISTRY/multi:2\n").file(
        "bad.txt",
        "REGISTRY/App/one:1.0\nchart\nquay.io/multi:2 foo=bar\nquay.io/multi:2 platform=x\nimage oci:a\n",
    );
    site.run("export --list good.txt --list bad.txt REGISTRY/a:1@sha256:12")
        .stderr(
            "error: bad.txt:1:1: `REGISTRY/App/one:1.0` is not a reference: the repository name must be lower case\n\
             \x20 bad.txt:2:1: `chart` stands alone: expected what to get after it\n\
             \x20 bad.txt:3:17: unknown key `foo=`: a reference without a kind word takes `verify-key=`, `platform=`, `as=`\n\
             \x20 bad.txt:4:17: `x` is not a platform: expected `os/architecture[/variant]`, such as `linux/amd64`\n\
             \x20 bad.txt:5:1: an image on disk cannot be carried by this version yet: take the line out\n\
             \x20 argument 1: `sha256:12` is not a digest: expected 64 lower-case hexadecimal digits after `sha256:`\n",
        )
        .code(2);
    assert!(server.requests().is_empty());
    assert_eq!(site.files("."), ["bad.txt", "good.txt"]);
}

#[test]
fn references_without_tag_or_digest_are_counted_or_refused() {
    let server = registry();
    image(1, 1, 100).put(server.registry(), "app/one", Some("latest"));
    image(1, 1, 100).put(server.registry(), "app/one", Some("1"));
    let site = site(&server)
        .file("bare.txt", "# first\nREGISTRY/app/one\nREGISTRY/app/one:1\n")
        .file("tag.txt", "REGISTRY/app/one:1\n");
    let warning =
        "warning: 1 reference has neither tag nor digest and is taken as `:latest`: bare.txt line 2\n";
    let said = made("2 artifacts, 3 blobs, 9.5 KiB", "a.tar", "2.6 KiB fetched, 0 B there already");
    site.run("export --list bare.txt -o a.tar").stdout(ID).stderr(&format!("{warning}{said}")).code(0);
    server.clear_requests();
    site.run("export --list bare.txt --require tag")
        .stderr(
            "error: bare.txt:2:1: `REGISTRY/app/one` has neither tag nor digest, which `--require` asks for\n",
        )
        .code(2);
    site.run("export --list bare.txt --list tag.txt --require digest")
        .stderr(
            "error: bare.txt:2:1: `REGISTRY/app/one` has no digest, which `--require` asks for\n\
             \x20 bare.txt:3:1: `REGISTRY/app/one:1` has no digest, which `--require` asks for\n\
             \x20 tag.txt:1:1: `REGISTRY/app/one:1` has no digest, which `--require` asks for\n",
        )
        .code(2);
    assert!(server.requests().is_empty());
    site.run("export --list tag.txt --require tag -o b.tar").stdout(ID).any_stderr().code(0);
}

#[test]
fn two_artifacts_of_one_name_at_the_destination_are_worth_a_warning() {
    let server = registry();
    image(1, 1, 100).put(server.registry(), "app/one", Some("1"));
    image(2, 1, 100).put(server.registry(), "other/one", Some("1"));
    let site = site(&server)
        .file("a.txt", "REGISTRY/app/one:1\nREGISTRY/other/one:1 as=app/one:1\n")
        .file("same.txt", "REGISTRY/app/one:1\nREGISTRY/app/one:1 as=two:1\n");
    site.run("export --list a.txt")
        .stdout(ID)
        .stderr_holds(
            "warning: `REGISTRY/app/one:1` (a.txt:1:1) and `REGISTRY/other/one:1` (a.txt:2:1) would all be `app/one:1` at the destination; \
             give all but one `as=` on its line, or import with `--layout host-path`\n",
        )
        .code(0);
    let said = made("2 artifacts, 3 blobs, 9.0 KiB", "same.tar", "2.6 KiB fetched, 0 B there already");
    site.run("export --list same.txt -o same.tar").stdout(ID).stderr(&said).code(0);
}

#[test]
fn a_kind_word_that_the_manifest_contradicts_is_an_error() {
    let server = registry();
    image(1, 1, 100).put(server.registry(), "one", Some("1"));
    artifact(2, "application/vnd.example", None).put(server.registry(), "sbom", Some("1"));
    let site = site(&server)
        .file("a.txt", "chart REGISTRY/one:1\nimage REGISTRY/sbom:1\n")
        .file("b.txt", "image REGISTRY/one:1\nartifact REGISTRY/sbom:1\n");
    site.run("export --list a.txt")
        .stderr(
            "error: could not export `REGISTRY/one:1` (a.txt:1:1)\n\
             \x20 cause: the list says `chart`, but the manifest says `image`\n\n\
             hint: write `image` in front of the reference, or leave the word out\n\
             error: could not export `REGISTRY/sbom:1` (a.txt:2:1)\n\
             \x20 cause: the list says `image`, but the manifest says `artifact`\n\n\
             hint: write `artifact` in front of the reference, or leave the word out\n\
             2 of 2 artifacts failed; no bundle was made\n",
        )
        .code(2);
    site.run("export --list b.txt").stdout(ID).any_stderr().code(0);
}

#[test]
fn calls_that_cannot_be_meant_are_exit_2() {
    let site = Site::new().file("a.txt", "nginx\n").file("empty.txt", "# nothing\n").stdin("nginx\n");
    for (line, said) in [
        (
            "--list a.txt -o -",
            "error: a bundle cannot be written to standard output by this version\n\n\
             hint: name a file with `--output FILE.tar`\n",
        ),
        (
            "--list a.txt -o x.tar.gz",
            "error: `x.tar.gz`: a compressed bundle cannot be written by this version\n\n\
             hint: name a file with `--output FILE.tar`\n",
        ),
        ("--list a.txt -o tmp", "error: `tmp` is a folder\n\nhint: name a file with `--output FILE.tar`\n"),
        (
            "--list a.txt -o no/x.tar",
            "error: `no/x.tar`: folder `no` is not there\n\nhint: make the folder first\n",
        ),
        ("--list - --list -", "error: standard input can be read once only\n\nhint: give `--list -` once\n"),
        (
            "--list - --username u --password-stdin",
            "error: standard input can be read once only\n\n\
             hint: put the password into a file for `--password-file`\n",
        ),
        ("--list no.txt", "error: list `no.txt` was not found\n"),
        ("--list a.txt -o new/", "error: `new/` is a folder\n\nhint: name a file with `--output FILE.tar`\n"),
        (
            "--list a.txt --output=",
            "error: `--output` is empty\n\nhint: name a file with `--output FILE.tar`\n",
        ),
        ("--list=", "error: `--list` is empty\n\nhint: name a file with `--list FILE`\n"),
        (
            "--list tmp",
            "error: list `tmp` is a folder\n\n\
             hint: name a file with `--list FILE`; the files of a folder are carried by the line `file FOLDER` in a list\n",
        ),
        ("--list empty.txt", "error: nothing to carry in `empty.txt`: no line names anything\n"),
        ("", "error: nothing to carry was named\n\nhint: give `--list FILE`, or references\n"),
    ] {
        site.run(&format!("export {line}")).stderr(said).code(2);
    }
    site.run("export --list a.txt --auth-file no.json")
        .stderr("error: `--auth-file no.json` was not found\n")
        .code(2);
    assert_eq!(site.files("."), ["a.txt", "empty.txt"]);
}

#[test]
fn what_is_wrong_with_the_call_and_what_is_wrong_with_the_list_is_told_together() {
    let site = Site::new().file("a.txt", "a.example/x:1\nb.example/x:1\nimage\n").file("pw", "secret\n");
    site.run("export --list a.txt -o new/ --username me --password-file pw")
        .stderr(
            "error: `new/` is a folder\n\n\
             hint: name a file with `--output FILE.tar`\n\
             error: a.txt:3:1: `image` stands alone: expected what to get after it\n\
             error: `--username` without a host is for one registry, and there are 2: `a.example`, `b.example`\n\n\
             hint: log in to each with `airgap-bundle login HOST`, or say which one it is for with `--username HOST=USER`\n",
        )
        .code(2);
    // Of a list that cannot be read nobody knows how many registries it names.
    let site = Site::new().file("a.txt", "image\n").file("pw", "secret\n");
    site.run("export --list a.txt --username me --password-file pw")
        .stderr("error: a.txt:1:1: `image` stands alone: expected what to get after it\n")
        .code(2);
}

#[test]
fn an_argument_is_a_line_of_a_list() {
    let server = registry();
    image(1, 1, 100).put(server.registry(), "one", Some("1"));
    let digest = server.registry().put_blob("store", b"content").unwrap();
    let site = site(&server).file("my file", "1").file("x", "2");
    site.run(&format!(
        "export \"oci://REGISTRY/one:1 as=two:2\" \"./x name=bin/x as=x\" \"./my file\" \
         \"http://REGISTRY/v2/store/blobs/{digest} name=y.zip sha256={}\"",
        digest.hex()
    ))
    .stdout(ID)
    .any_stderr()
    .code(0);
    let contents = super::contents(&site, "airgap-bundle.tar");
    let rows: Vec<_> = contents["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["reference"].as_str().unwrap().to_owned(), row["as"].as_str().map(str::to_owned)))
        .collect();
    let expected = [
        (site.fill("REGISTRY/one:1"), Some("two:2")),
        ("bin/x".to_owned(), Some("x")),
        ("my file".to_owned(), None),
        ("y.zip".to_owned(), None),
    ];
    assert_eq!(rows, expected.map(|(name, wanted)| (name, wanted.map(str::to_owned))));
}

#[test]
fn a_list_may_come_from_standard_input() {
    let server = registry();
    image(1, 1, 100).put(server.registry(), "one", Some("1"));
    let site = site(&server).file("x", "1").stdin("REGISTRY/one:1\n./x\nREGISTRY/gone:1\n");
    site.run("export --list -")
        .stderr_holds("error: could not export `REGISTRY/gone:1` (<stdin>:3:1)\n")
        .stderr_holds("1 of 3 artifacts failed; no bundle was made\n")
        .code(1);
}
