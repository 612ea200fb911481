//! Files of assertions: carried as they are, once they are proven as far as they go.

use super::{ID, contents};
use crate::fixture::assertions::{CANONICAL, Key, account, account_key};
use crate::fixture::{Page, Web};
use crate::site::Site;

#[test]
fn assertions_are_carried_as_they_are() {
    let site = Site::new().bytes("brand.assert", CANONICAL);
    site.run("export ./brand.assert").stdout(ID).any_stderr().code(0);
    let artifact = &contents(&site, "airgap-bundle.tar")["artifacts"][0];
    assert_eq!((&artifact["kind"], &artifact["reference"]), (&"assert".into(), &"brand.assert".into()));
}

#[test]
fn assertions_that_lack_a_key_are_carried_with_a_warning() {
    let [one, two] = ["one", "two"].map(|id| account(id).signed(Key::Store));
    let site = Site::new()
        .named("STORE", Key::Store.id())
        .bytes("one.assert", one.as_bytes())
        .bytes("two.assert", format!("{one}\n{two}").as_bytes());
    let warning = |name: &str, more: &str| {
        format!(
            "warning: not all of `{name}` can be proven here: assertion `account/one`: it is signed \
             with key STORE of `canonical`, and that key is neither among these assertions nor trusted{more}\n"
        )
    };
    site.run("export ./one.assert").stdout(ID).stderr_holds(&warning("one.assert", "")).code(0);
    let two = "export ./two.assert -o two.tar";
    site.run(two).stdout(ID).stderr_holds(&warning("two.assert", " (and 1 more)")).code(0);
}

#[test]
fn what_is_no_proper_file_of_assertions_is_refused() {
    let text = std::str::from_utf8(CANONICAL).unwrap();
    let own = account_key(Key::Other, "canonical").signed(Key::Other);
    let forged = format!("{own}\n{}", account("x").signed(Key::Other).replace("username: x", "username: y"));
    let root = "-CvQKAwRQ5h3Ffn10FILJoEZUXOv6km9FwA80-Rcj-f-6jadQ89VRswHNiEB9Lxk";
    for (content, why) in [
        (String::new(), "`a.assert` holds no assertion".to_owned()),
        (
            "type: model\n\nsignature\n".to_owned(),
            "`a.assert`: line 3: the signature cannot be read: it is not base64".to_owned(),
        ),
        (text.replace('\n', "\r\n"), "`a.assert`: line 1: the line ends with a carriage return".to_owned()),
        (
            text.replace("display-name: Canonical", "display-name: Other"),
            format!(
                "assertion `account/canonical`: its signature is not of key {root}, or it has been changed since"
            ),
        ),
        (
            forged,
            "assertion `account/x`: its signature is not of key OTHER, or it has been changed since"
                .to_owned(),
        ),
        (
            " ".repeat((10 << 20) + 1),
            "`a.assert` has more than 10485760 bytes, too many for assertions".to_owned(),
        ),
    ] {
        let web = Web::start([("/a.assert", Page::sized(content.clone()))]);
        let site = Site::new().named("WEB", web.host()).named("OTHER", Key::Other.id());
        let site = site.bytes("a.assert", content.as_bytes());
        for (path, line) in [("a.assert", "./a.assert"), ("http://WEB/a.assert", "http://WEB/a.assert")] {
            let said = format!("error: could not export `{path}` (argument 1)\n  cause: {why}\n");
            site.run(&format!("export {line}")).stderr_holds(&said).code(3);
            assert!(!site.path("airgap-bundle.tar").exists());
        }
    }
}
