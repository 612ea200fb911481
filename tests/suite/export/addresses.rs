//! Files behind an address.

use airgap_bundle::model::digest::Digest;
use airgap_bundle::stores::registry::server::{Auth, Options, Server};

use super::{ID, contents};
use crate::fixture::assertions::CANONICAL;
use crate::fixture::{Page, Web, bytes, packed};
use crate::site::Site;

fn site(web: &Web) -> Site {
    Site::new().named("WEB", web.host())
}

#[test]
fn assertions_behind_an_address_are_carried_as_they_are() {
    let web = Web::start([("/brand.assert", Page::sized(CANONICAL))]);
    let site = site(&web).file("a.txt", "assert http://WEB/brand.assert\nhttp://WEB/brand.assert\n");
    site.run("export --list a.txt").stdout(ID).any_stderr().code(0);
    let artifacts = &contents(&site, "airgap-bundle.tar")["artifacts"];
    assert_eq!(artifacts.as_array().unwrap().len(), 1);
    assert_eq!(
        (&artifacts[0]["kind"], &artifacts[0]["reference"]),
        (&"assert".into(), &"brand.assert".into())
    );
}

#[test]
fn an_image_with_a_scheme_is_told_how_it_is_written() {
    let web = Web::start([]);
    let site = site(&web).file("a.txt", "https://quay.example/org/app:1.0\n");
    let said = "`https://quay.example/org/app:1.0` was taken for a file behind an address; \
                an image is written without the scheme: `quay.example/org/app:1.0`\n";
    site.run("export --list a.txt").stderr(&format!("error: a.txt:1:1: {said}")).code(2);
    site.run("export https://quay.example/org/app:1.0").stderr(&format!("error: argument 1: {said}")).code(2);
    for (address, told) in [("org/app", true), ("org/app.zip", false), ("org/app?x=1", false)] {
        let stderr = site.run(&format!("export http://WEB/{address}")).stderr_of(1);
        let hint = "hint: `http://WEB/org/app` was taken for a file behind an address; \
                    an image is written without the scheme: `WEB/org/app`\n";
        assert_eq!(stderr.contains(hint), told, "{stderr}");
    }
}

#[test]
fn a_chart_behind_an_address_is_not_taken_for_a_file() {
    let web = Web::start([
        ("/c-1.0.0.tgz", Page::sized(packed("c/Chart.yaml"))),
        ("/plain.tgz", Page::sized(packed("c/other"))),
    ]);
    let site = site(&web);
    site.run("export http://WEB/c-1.0.0.tgz")
        .stderr(
            "error: could not export `http://WEB/c-1.0.0.tgz` (argument 1)\n\
             \x20 cause: `http://WEB/c-1.0.0.tgz` is a chart, which cannot be exported by this version\n\n\
             hint: write `file http://WEB/c-1.0.0.tgz` to carry it as a plain file\n\
             1 of 1 artifact failed; no bundle was made\n",
        )
        .code(2);
    site.run("export \"file http://WEB/c-1.0.0.tgz\" http://WEB/plain.tgz").stdout(ID).any_stderr().code(0);
    assert_eq!(contents(&site, "airgap-bundle.tar")["artifacts"].as_array().unwrap().len(), 2);
}

#[test]
fn what_has_a_digest_goes_straight_into_the_bundle() {
    let content = bytes(1, 700_000);
    let web = Web::start([("/big.bin", Page::sized(content.clone()))]);
    let line = format!("http://WEB/big.bin sha256={}", Digest::sha256(&content).hex());
    let site = site(&web).file("a.txt", &line);
    site.run("export --list a.txt").stdout(ID).any_stderr().code(0);
    let lines: Vec<String> = web.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(lines, ["HEAD /big.bin", "GET /big.bin"]);
    // With a bundle that has it, nothing is asked.
    site.run("export --list a.txt --reuse airgap-bundle.tar -o again.tar").stdout(ID).any_stderr().code(0);
    assert_eq!(web.asked(), []);
    assert!(site.read("again.tar") == site.read("airgap-bundle.tar"));

    // Another content behind the address is not taken.
    web.put("/big.bin", Page::sized(bytes(2, 700_000)));
    site.run("export --list a.txt -o other.tar")
        .stderr_holds("blob sha256:[1] has other bytes: got sha256:[2]")
        .code(3);
    assert!(!site.path("other.tar").exists());
}

#[test]
fn what_was_staged_is_fetched_again_only_when_it_has_changed() {
    let page = |content: &str| Page { version: Some("\"1\""), ..Page::sized(content) };
    let web = Web::start([("/a.bin", page("content"))]);
    let site = site(&web).file("a.txt", "http://WEB/a.bin\nhttp://WEB/b.bin\n");
    site.run("export --list a.txt").any_stderr().code(1);
    // The same version: the content is not sent again, or it would hang.
    web.put("/a.bin", Page { hangs_after: Some(0), ..page("content") });
    web.put("/b.bin", page("other"));
    site.run("export --list a.txt").stdout(ID).any_stderr().code(0);
    site.run("extract --to out").any_stderr().code(0);
    assert_eq!((site.read("out/a.bin"), site.read("out/b.bin")), (b"content".to_vec(), b"other".to_vec()));

    // Another version is another file.
    site.run("export http://WEB/b.bin http://WEB/gone.bin -o two.tar").any_stderr().code(1);
    web.put("/b.bin", Page { version: Some("\"2\""), ..Page::sized("changed") });
    web.put("/gone.bin", page("here"));
    site.run("export http://WEB/b.bin http://WEB/gone.bin -o two.tar").stdout(ID).any_stderr().code(0);
    site.run("extract --to two two.tar").any_stderr().code(0);
    assert_eq!(site.read("two/b.bin"), b"changed");
}

#[test]
fn a_file_that_is_no_unfinished_bundle_is_left_alone() {
    let web = Web::start([("/a.bin", Page::sized("content"))]);
    let site = site(&web).file("b.tar.partial", "mine");
    site.run("export http://WEB/a.bin -o b.tar").stderr_holds("is not an unfinished bundle").code(1);
    assert_eq!(site.read("b.tar.partial"), b"mine");
}

/// The list that `inspect` prints makes the same bundle again, the files of a disk put where `extract` puts them.
#[test]
fn a_bundle_of_files_is_made_again_from_its_own_list() {
    let server = super::registry();
    server.registry().put_blob("other", b"three").unwrap();
    let digests =
        [&b"one"[..], b"two", b"three"].map(|bytes| server.registry().put_blob("store", bytes).unwrap());
    let at = |number: usize| format!("REGISTRY/v2/store/blobs/{}", digests[number]);
    let site = Site::new()
        .named("REGISTRY", server.host())
        .file("local/run", "#!/bin/sh\n")
        .bytes("local/brand.assert", CANONICAL)
        .file(
            "artifacts.txt",
            &format!(
                "file http://{0} name=dir/one.zip as=zips/one:1\n\
             file http://me:secret@{1}?token=secret name=two.zip\n\
             file http://{1}?b name=two.zip\n\
             file http://{2} name=three.zip\nfile http://REGISTRY/v2/other/blobs/{3} name=three.zip\n\
             file ./local/run name=bin/run\nassert ./local/brand.assert\n",
                at(0),
                at(1),
                at(2),
                digests[2],
            ),
        );
    site.run("export --list artifacts.txt").stdout(ID).any_stderr().code(0);
    let raw = String::from_utf8(site.run("inspect --raw").any_stdout().code(0)).unwrap();
    assert!(!raw.contains("secret") && !raw.contains("local"), "{raw}");
    let list = site.run("inspect --list").any_stdout().code(0);
    let list = String::from_utf8(list).unwrap().replace(&site.fill("REGISTRY"), "REGISTRY");
    let hex = |bytes: &[u8]| Digest::sha256(bytes).hex();
    assert_eq!(
        list,
        format!(
            "# Files that came from a disk stand where `airgap-bundle extract --to .` puts them.\n\
             assert ./brand.assert sha256={}\n\
             file ./bin/run name=bin/run sha256={}\n\
             file http://{} name=dir/one.zip sha256={} as=zips/one:1\n\
             file http://{} name=three.zip sha256={}\n\
             # A bundle keeps no query of an address: put it back after the `?`.\n\
             file http://{}? name=two.zip sha256={}\n",
            hex(CANONICAL),
            hex(b"#!/bin/sh\n"),
            at(0),
            digests[0].hex(),
            at(2).replace("store", "other"),
            digests[2].hex(),
            at(1),
            digests[1].hex(),
        )
    );
    site.run("extract --to again").any_stdout().any_stderr().code(0);
    let site = site.file("again/pinned.txt", &list);
    site.run("export --list again/pinned.txt -o again.tar").stdout(ID).any_stderr().code(0);
    assert_eq!(site.read("again.tar"), site.read("airgap-bundle.tar"));
}

#[test]
fn the_login_in_an_address_is_used_and_not_kept() {
    let auth = Auth::basic("user", "pass word");
    let server = Server::start(Options { auth, ..Options::memory() }).unwrap();
    let blob = server.registry().put_blob("a", b"content").unwrap();
    let site = Site::new().named("WEB", server.host());
    let file = |login: &str| format!("file http://{login}WEB/v2/a/blobs/{blob} name=x\n");
    let site = site.file("a.txt", &file("user:pass%20word@")).file("b.txt", &file(""));
    site.run("export --list a.txt").any_stdout().any_stderr().code(0);
    let source = &contents(&site, "airgap-bundle.tar")["artifacts"][0]["source"];
    assert_eq!(source, &serde_json::json!(site.fill(&format!("http://WEB/v2/a/blobs/{blob}"))));
    site.run("export --list b.txt -o b.tar").stderr_holds("HTTP status 401").code(1);
}
