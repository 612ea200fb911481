//! Which store is asked: by a flag, by the variables that snapd has, or through a Snap Store Proxy.

use super::place::{Snap, TRUST, publish};
use crate::fixture::SnapStore;
use crate::fixture::assertions::root;
use crate::site::Site;

/// A store below a path, with one snap and its base.
fn store(below: &str) -> SnapStore {
    let store = SnapStore::start_below(below, []);
    publish(&store, &Snap { weight: 2000, ..Snap::app("tool", 7) }, &[]);
    publish(&store, &Snap { weight: 2000, ..Snap::base("core22", 1380) }, &[]);
    store
}

fn site(variables: &[(&str, &str)]) -> Site {
    let site = Site::new().file("root.assert", root()).file("list.txt", "snap tool\n");
    variables.iter().fold(site, |site, (name, value)| site.env(name, value))
}

#[test]
fn the_flag_comes_first_then_what_snap_download_reads_then_what_snapd_reads() {
    let (meant, other) = (store(""), SnapStore::start([]));
    let (here, there) = (meant.url(), other.url());
    let flag = format!("--snap-store-url {here}");
    for (variables, flag) in [
        (vec![("SNAPPY_FORCE_API_URL", &here)], ""),
        (vec![("SNAPPY_FORCE_API_URL", &there), ("UBUNTU_STORE_URL", &here)], ""),
        (vec![("SNAPPY_FORCE_API_URL", &here), ("UBUNTU_STORE_URL", &String::new())], ""),
        (vec![("SNAPPY_FORCE_API_URL", &there), ("UBUNTU_STORE_URL", &there)], flag.as_str()),
    ] {
        let variables: Vec<_> = variables.into_iter().map(|(name, value)| (name, value.as_str())).collect();
        let site = site(&variables);
        site.run(&format!("export --list list.txt {TRUST} {flag}"))
            .any_stdout()
            .stderr_holds("2 artifacts, ")
            .code(0);
        assert_eq!(other.asked().len(), 0, "{variables:?} {flag}");
        assert!(!meant.asked().is_empty());
    }
}

#[test]
fn an_address_that_cannot_be_is_told_with_where_it_is_from() {
    for name in ["UBUNTU_STORE_URL", "SNAPPY_FORCE_API_URL", "SNAPPY_FORCE_SAS_URL"] {
        for (value, why) in [
            ("store.internal", "is not a URL: expected `https://HOST[:PORT][/PATH]`"),
            (
                "https://me:secret@store.internal",
                "has a login in it: `UBUNTU_STORE_AUTH` is where a login is taken from",
            ),
        ] {
            let said = site(&[(name, value)]).run(&format!("export --list list.txt {TRUST}")).stderr_of(2);
            let expected = format!("`{name}` is wrong\n  cause: the address of a snap store {why}");
            assert!(said.contains(&expected) && !said.contains("secret"), "{said}");
        }
    }
    let said = site(&[]).run("export --list list.txt --snap-store-url ftp://h/").stderr_of(2);
    assert!(said.contains("'--snap-store-url <URL>'"), "{said}");
}

#[test]
fn assertions_may_be_elsewhere() {
    let (snaps, assertions) = (store(""), store("/assertions"));
    let site = site(&[("SNAPPY_FORCE_API_URL", &snaps.url()), ("SNAPPY_FORCE_SAS_URL", &assertions.url())]);
    site.run(&format!("export --list list.txt {TRUST}")).any_stdout().stderr_holds("2 artifacts, ").code(0);
    let is_assertion = |line: &str| line.contains("/v2/assertions/");
    assert!(snaps.asked().iter().all(|asked| !is_assertion(&asked.line)));
    let asked = assertions.asked();
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|asked| asked.line.starts_with("GET /assertions/v2/assertions/")), "{asked:?}");
    // Who names a store means all of it.
    let flag = format!("--snap-store-url {}", snaps.url());
    site.run(&format!("export --list list.txt {TRUST} --force {flag} -o other.tar"))
        .any_stdout()
        .any_stderr()
        .code(0);
    assert!(assertions.asked().is_empty());
}

#[test]
fn the_store_that_has_no_assertions_is_the_one_that_is_named() {
    let (snaps, empty) = (store(""), SnapStore::start([]));
    let site = site(&[("SNAPPY_FORCE_API_URL", &snaps.url()), ("SNAPPY_FORCE_SAS_URL", &empty.url())]);
    let site = site.named("EMPTY", empty.host());
    site.run(&format!("export --list list.txt {TRUST}"))
        .stderr_holds("reading from snap store `EMPTY`: assertion `snap-revision/")
        .code(1);
}

#[test]
fn no_cdn_is_a_yes_or_a_no() {
    let store = store("");
    for (word, expected) in [("0", 0), ("false", 0), ("true", 2)] {
        let site = site(&[("SNAPPY_FORCE_API_URL", &store.url()), ("SNAPPY_STORE_NO_CDN", word)]);
        site.run(&format!("export --list list.txt {TRUST}")).any_stdout().any_stderr().code(0);
        let refused = store.asked().iter().filter(|asked| asked.headers.contains_key("snap-cdn")).count();
        assert_eq!(refused, expected, "{word}");
    }
}

#[test]
fn a_brand_store_an_architecture_and_no_cdn_are_asked_for() {
    let store = store("");
    let variables = [("SNAPPY_FORCE_API_URL", store.url()), ("UBUNTU_STORE_ID", "brand-1".to_owned())];
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let further = [("UBUNTU_STORE_ARCH", "riscv64"), ("SNAPPY_STORE_NO_CDN", "1")];
    let site = site(&[&variables[..], &further].concat()).file("amd64.txt", "snap tool arch=amd64\n");
    site.run(&format!("export --list list.txt {TRUST}"))
        .stderr_holds("snap `tool` for `riscv64` was not found")
        .stderr_holds("hint: it is released for `amd64`, and not for `riscv64`")
        .code(1);
    let asked = store.asked();
    assert_eq!(asked[0].headers["snap-device-architecture"], "riscv64");
    // What a line says comes first.
    site.run(&format!("export --list amd64.txt {TRUST}")).any_stdout().stderr_holds("2 artifacts, ").code(0);
    for asked in store.asked() {
        let header = |name: &str| asked.headers.get(name).map(String::as_str);
        if asked.line.contains("/download/") {
            assert_eq!(header("snap-cdn"), Some("none"), "{asked:?}");
            assert_eq!(header("x-ubuntu-store"), Some("brand-1"), "{asked:?}");
        } else {
            assert_eq!(header("snap-device-store"), Some("brand-1"), "{asked:?}");
        }
        assert!(header("snap-device-architecture").is_none_or(|word| word == "amd64"), "{asked:?}");
    }
}

#[test]
fn a_proxy_below_a_path_is_asked_for_everything() {
    let proxy = store("/snap-store/eu");
    for end in ["", "/"] {
        let site = site(&[]);
        site.run(&format!("export --list list.txt {TRUST} --snap-store-url {}{end}", proxy.url()))
            .any_stdout()
            .stderr_holds("2 artifacts, ")
            .code(0);
        let asked = proxy.asked();
        for part in ["/v2/snaps/refresh", "/v2/assertions/snap-revision/", "/api/v1/snaps/download/"] {
            let path = format!(" /snap-store/eu{part}");
            assert!(asked.iter().any(|asked| asked.line.contains(&path)), "{part} {asked:?}");
        }
        assert!(asked.iter().all(|asked| asked.line.contains(" /snap-store/eu/")), "{asked:?}");
        assert!(asked.iter().all(|asked| !asked.headers.contains_key("snap-cdn")), "{asked:?}");
    }
}
