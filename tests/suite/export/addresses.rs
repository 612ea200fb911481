//! Files behind an address.

use super::{ID, contents};
use crate::fixture::{Page, Web};
use crate::site::Site;

/// A packed folder with one file in it.
fn packed(name: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, &b"name:"[..]).unwrap();
    tar.into_inner().unwrap().finish().unwrap()
}

fn site(web: &Web) -> Site {
    Site::new().named("WEB", web.host())
}

#[test]
fn assertions_behind_an_address_are_carried_as_they_are() {
    let web = Web::start([("/brand.assert", Page::sized("type: model\n\nsignature\n"))]);
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
