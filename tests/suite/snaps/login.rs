//! A login at the store: it is read as snapd reads it, shown to the store alone, and renewed.

use super::place::{Snap, TRUST, publish, site as site_at};
use crate::canary;
use crate::fixture::{
    Authority, Proxy, SnapStore, StoreAsked, TlsFront, Trouble, exported_login, macaroon, shown_login,
};
use crate::site::Site;

const EXPORT: &str = "export --list list.txt --trusted-key root.assert --force -o bundle.tar";

/// A store that tells of its snaps to those alone who show the first login.
fn store() -> SnapStore {
    let store = SnapStore::start([]);
    publish(&store, &Snap { weight: 2000, ..Snap::app("tool", 7) }, &[]);
    publish(&store, &Snap { weight: 2000, ..Snap::base("core22", 1380) }, &[]);
    store.want_login(&shown_login("first-bound"));
    store
}

/// A place that asks it.
fn site(store: &SnapStore) -> Site {
    site_at(store).file("list.txt", "snap tool\n")
}

/// Returns whether all that was asked for was asked with this and nothing else, and how much that was.
fn all_show(store: &SnapStore, shown: Option<&str>) -> usize {
    let asked = store.asked();
    for one in &asked {
        assert_eq!(one.headers.get("authorization").map(String::as_str), shown, "{}", one.line);
    }
    asked.len()
}

#[test]
fn a_snap_that_is_private_goes_into_the_bundle_of_who_has_a_login() {
    let store = store();
    let (root, first) = (macaroon("root"), macaroon("first"));
    let sections = format!("[login.ubuntu.com]\nmacaroon = {root}\nunbound_discharge = {first}\n");
    let json = format!(r#"{{"macaroon": "{root}", "discharges": ["{first}"]}}"#);
    let in_file = |text: &str| {
        site(&store)
            .file("secrets/store.auth", text)
            .env("UBUNTU_STORE_AUTH_DATA_FILENAME", "secrets/store.auth")
    };
    let other_file = site(&store).env("UBUNTU_STORE_AUTH_DATA_FILENAME", "absent");
    for site in [
        site(&store).env("UBUNTU_STORE_AUTH", &exported_login()),
        in_file(&format!("{}\n", exported_login())),
        in_file(&sections),
        in_file(&json),
        // Where both are set, the login itself is taken.
        other_file.env("UBUNTU_STORE_AUTH", &exported_login()),
    ] {
        canary::run(&site, EXPORT, Some(0));
        assert!(all_show(&store, Some(&shown_login("first-bound"))) >= 6);
        site.run("verify bundle.tar --trusted-key root.assert").any_stdout().any_stderr().code(0);
    }
}

#[test]
fn a_token_is_shown_as_it_is() {
    for (kind, shown) in [("macaroon", "Macaroon canary-token"), ("bearer", "Bearer canary-token")] {
        let store = store();
        store.want_login(shown);
        let login = base64(&format!(r#"{{"t": "{kind}", "v": "canary-token"}}"#));
        canary::run(&site(&store).env("UBUNTU_STORE_AUTH", &login), EXPORT, Some(0));
        assert!(all_show(&store, Some(shown)) >= 6);
    }
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[test]
fn who_has_no_login_is_told_how_to_come_by_one() {
    let store = store();
    site(&store)
        .run(EXPORT)
        .stderr_holds("cause: reading from snap store `STORE`: snap `tool` was not found\n")
        .stderr_holds(
            "hint: check the name; what is private, or of a brand store, wants a login; `snapcraft export-login FILE` \
             makes one: name the file in `UBUNTU_STORE_AUTH_DATA_FILENAME`\n",
        )
        .code(1);
    all_show(&store, None);
    // What a store repeats of the login is not said again.
    let repeated =
        format!(r#"{{"error-list": [{{"code": "unauthorized", "message": "not {}"}}]}}"#, macaroon("root"));
    store.fail(9, "/v2/snaps/refresh", Trouble::Status(401, "", repeated));
    let site = site(&store).env("UBUNTU_STORE_AUTH", &exported_login());
    canary::run(&site, EXPORT, None);
    site.run(EXPORT)
        .stderr_holds("HTTP status 401: unauthorized: not …")
        .stderr_holds("hint: the login of `UBUNTU_STORE_AUTH` may have ended, or its account may not have this; `snapcraft")
        .code(1);
    let fault = format!(
        r#"{{"error-list": [{{"code": "unauthorized", "message": "not {}"}}]}}"#,
        macaroon("first-bound")
    );
    store.mend();
    store.fail(9, "/v2/snaps/refresh", Trouble::Status(200, "", fault));
    canary::run(&site, EXPORT, None);
}

#[test]
fn it_is_shown_to_nobody_but_the_store() {
    let (store, elsewhere) = (store(), SnapStore::start([]));
    publish(&elsewhere, &Snap { weight: 2000, ..Snap::app("tool", 7) }, &[]);
    publish(&elsewhere, &Snap { weight: 2000, ..Snap::base("core22", 1380) }, &[]);
    let site = site(&store).env("UBUNTU_STORE_AUTH", &exported_login()).named("ELSEWHERE", elsewhere.host());
    // A store hands its bytes out elsewhere.
    for (name, revision) in [("tool", 7), ("core22", 1380)] {
        let path = format!("/api/v1/snaps/download/{name:x<32}_{revision}.snap");
        store.fail(9, &path, Trouble::Redirect(format!("{}{path}", elsewhere.url())));
    }
    canary::run(&site, EXPORT, Some(0));
    assert!(all_show(&store, Some(&shown_login("first-bound"))) >= 6);
    assert!(all_show(&elsewhere, None) >= 2);
    // Or says that they are elsewhere, where they are handed to those alone who show a login.
    store.mend();
    let authority = Authority::new();
    let front = TlsFront::start(&authority.sign_for(&["files.example"]), elsewhere.host());
    let proxy = Proxy::start(&front.host());
    store.public("https://files.example");
    std::fs::remove_file(site.path("bundle.tar")).unwrap();
    elsewhere.want_login("nobody's");
    let site = site
        .named("PROXY", proxy.host())
        .file("ca.pem", &authority.pem())
        .env("HTTPS_PROXY", "http://PROXY")
        .env("AIRGAP_BUNDLE_CA_CERT", "SITE/ca.pem");
    canary::run(&site, EXPORT, None);
    site.run(EXPORT)
        .stderr_holds("HTTP status 401: unauthorized: log in")
        .stderr_holds("hint: the login of `UBUNTU_STORE_AUTH` is for `STORE`, and shown to no other host")
        .code(1);
    assert!(all_show(&elsewhere, None) >= 2);
}

#[test]
fn where_the_assertions_are_is_the_store_too() {
    let (snaps, assertions) = (store(), store());
    let site = site(&snaps)
        .env("SNAPPY_FORCE_SAS_URL", &assertions.url())
        .env("UBUNTU_STORE_AUTH", &exported_login());
    canary::run(&site, EXPORT, Some(0));
    for store in [snaps, assertions] {
        assert!(all_show(&store, Some(&shown_login("first-bound"))) >= 2);
    }
}

#[test]
fn what_has_grown_old_is_renewed_once() {
    let (store, sso) = (store(), SnapStore::start([]));
    let renewed = shown_login("second-bound");
    store.want_login(&renewed);
    store.want_renewal(&shown_login("first-bound"));
    sso.renew(macaroon("first"), macaroon("second"));
    let site = site(&store)
        .env("UBUNTU_STORE_AUTH", &exported_login())
        .env("SNAPPY_FORCE_SSO_URL", &format!("{}/api/v2", sso.url()));
    site.run(EXPORT).any_stdout().any_stderr().code(0);
    let asked = store.asked();
    let shown = |one: &StoreAsked| one.headers["authorization"].clone();
    assert_eq!((shown(&asked[0]), shown(&asked[1])), (shown_login("first-bound"), renewed.clone()));
    assert!(asked.iter().skip(1).all(|one| shown(one) == renewed));
    let renewals = sso.asked();
    assert_eq!(renewals.len(), 1);
    assert_eq!(renewals[0].line, "POST /api/v2/tokens/refresh");
    assert!(!renewals[0].headers.contains_key("authorization"));
    canary::run(&site, EXPORT, Some(0));
    // The store may say so in its answer, too.
    let old = r#"{"error-list": [{"code": "user-authorization-needs-refresh", "message": "old"}]}"#;
    store.fail(1, "/v2/snaps/refresh", Trouble::Status(200, "", old.to_owned()));
    store.want_renewal("nobody's");
    store.asked();
    site.run(EXPORT).any_stdout().any_stderr().code(0);
    assert!(store.asked().iter().skip(1).all(|one| shown(one) == renewed));
}

#[test]
fn what_cannot_be_renewed_is_told() {
    let (store, sso) = (store(), SnapStore::start([]));
    store.want_renewal(&shown_login("first-bound"));
    let site = site(&store)
        .named("SSO", sso.host())
        .env("UBUNTU_STORE_AUTH", &exported_login())
        .env("SNAPPY_FORCE_SSO_URL", &format!("{}/api/v2", sso.url()));
    canary::run(&site, EXPORT, None);
    site.run(EXPORT)
        .stderr_holds(
            "reading from snap store `STORE`: renewing the login of `UBUNTU_STORE_AUTH` at `SSO` was denied: \
             HTTP status 401 INVALID_CREDENTIALS not {\"discharge_macaroon\":\"…\"}\n",
        )
        .stderr_holds("hint: `snapcraft export-login FILE` makes one: name the file in `UBUNTU_STORE_AUTH_DATA_FILENAME`")
        .code(1);
    // Where renewing is of no use, it ends.
    sso.asked();
    sso.renew(macaroon("first"), macaroon("first"));
    site.run(EXPORT).stderr_holds("HTTP status 401").code(1);
    assert!((1..=4).contains(&sso.asked().len()));
}

#[test]
fn a_variable_that_holds_no_login_is_a_mistake_of_the_call() {
    let store = store();
    for (site, expected) in [
        (
            site(&store).env("UBUNTU_STORE_AUTH", "canary-junk!"),
            "`UBUNTU_STORE_AUTH` holds no login of a snap store: it is neither base64, ",
        ),
        (
            site(&store).file("secrets/a", "").env("UBUNTU_STORE_AUTH_DATA_FILENAME", "secrets/a"),
            "`secrets/a` (`UBUNTU_STORE_AUTH_DATA_FILENAME`) holds no login of a snap store: there is nothing in it",
        ),
        (
            site(&store)
                .env("UBUNTU_STORE_AUTH", &exported_login())
                .env("SNAPPY_FORCE_SSO_URL", "https://me:canary-sso@h/"),
            "`SNAPPY_FORCE_SSO_URL` is wrong",
        ),
    ] {
        canary::run(&site, EXPORT, Some(2));
        site.run(EXPORT).stderr_holds(expected).code(2);
    }
    site(&store)
        .env("UBUNTU_STORE_AUTH_DATA_FILENAME", "absent")
        .run(&format!("export --list list.txt {TRUST}"))
        .stderr_holds("reading the login of the snap store from `absent` (`UBUNTU_STORE_AUTH_DATA_FILENAME`)")
        .code(1);
    assert!(store.asked().is_empty());
}
