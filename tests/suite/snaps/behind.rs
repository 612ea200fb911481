//! A store behind TLS and a proxy, as registries are.

use super::place::{Snap, TRUST, publish};
use crate::fixture::assertions::root;
use crate::fixture::{Authority, Proxy, SnapStore, TlsFront};
use crate::site::Site;

#[test]
fn a_store_behind_tls_and_a_proxy_is_asked_through_both() {
    let (store, authority) = (SnapStore::start([]), Authority::new());
    publish(&store, &Snap { weight: 2000, ..Snap::app("tool", 7) }, &[]);
    publish(&store, &Snap { weight: 2000, ..Snap::base("core22", 1380) }, &[]);
    store.public("https://store.example");
    let front = TlsFront::start(&authority.sign_for(&["store.example"]), store.host());
    let proxy = Proxy::start(&front.host());
    let site = Site::new()
        .named("PROXY", proxy.host())
        .file("root.assert", root())
        .file("list.txt", "snap tool\n")
        .file("ca.pem", &authority.pem())
        .env("HTTPS_PROXY", "http://PROXY");
    let export = format!("export --list list.txt {TRUST} --snap-store-url https://store.example");
    // Nobody who is trusted has signed its certificate.
    site.run(&export).stderr_holds("store.example").stderr_holds("certificate").code(1);
    assert_eq!(store.asked().len(), 0);
    let site = site.env("AIRGAP_BUNDLE_CA_CERT", "SITE/ca.pem");
    site.run(&export).any_stdout().stderr_holds("2 artifacts, ").code(0);
    let asked = store.asked();
    // What is secret on the way may be an ordinary word of the store.
    let mut site = site;
    for word in ["tool", "stable", "core22", "canonical", "example"] {
        site = site.env("HTTPS_PROXY", &format!("http://user:{word}@PROXY"));
        site.run(&format!("{export} --force -o {word}.tar"))
            .any_stdout()
            .stderr_holds("2 artifacts, ")
            .code(0);
    }
    assert_eq!(asked.iter().filter(|asked| asked.line.contains("/download/")).count(), 2, "{asked:?}");
    assert!(proxy.asked().iter().all(|asked| asked.starts_with("CONNECT store.example:443 HTTP/1.1\r\n")));
    // Nothing of it is readable on the way.
    let tunnelled = String::from_utf8_lossy(&proxy.tunnelled()).into_owned();
    assert!(!tunnelled.contains("/v2/snaps/refresh"));
}
