//! A login at the store: it is read as snapd reads it, shown to the store alone, and renewed.

use serde_json::{Value, json};

use super::place::{Snap, TRUST, publish, site as site_at};
use crate::canary;
use crate::fixture::{
    Authority, Proxy, SnapStore, StoreAsked, TlsFront, Trouble, exported_login, macaroon, shown_login,
};
use crate::site::Site;

const EXPORT: &str = "export --list list.txt --trusted-key root.assert --force -o bundle.tar";

/// What a store says to an old login.
const OLD: &str = "WWW-Authenticate: Macaroon realm=\"store\", needs_refresh=1\r\n";
const JSON: &str = "Content-Type: application/json\r\n";

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
            "hint: check the name; what is private wants a login, and what is of a brand store `UBUNTU_STORE_ID`, too; \
             `snapcraft export-login FILE` makes one: name the file in `UBUNTU_STORE_AUTH_DATA_FILENAME`\n",
        )
        .code(1);
    all_show(&store, None);
}

#[test]
fn what_a_store_repeats_of_it_is_not_said_again() {
    let store = store();
    let site = site(&store).env("UBUNTU_STORE_AUTH", &exported_login());
    let (root, bound) = (macaroon("root"), macaroon("first-bound"));
    let (sent, shown) = (root, format!("{root} and {bound}"));
    let error = json!({"error-list": [{"code": "unauthorized", "message": format!("not {root}")}]});
    let result = |more: Value| {
        let mut result = json!({"result": "download", "instance-key": "download-1", "name": "tool"});
        result.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"results": [result]})
    };
    let snap = |more: Value| {
        let mut snap = json!({"name": "tool", "revision": 7, "architectures": ["amd64"], "snap-id": "x"});
        snap.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        result(json!({"snap": snap}))
    };
    for (status, body) in [
        (401, error.clone()),
        (403, json!({"error-list": [{"code": sent, "message": shown}]})),
        (500, error.clone()),
        (200, error),
        (200, json!({"error-list": [{"code": sent, "message": bound}]})),
        (200, json!({"results": sent})),
        (200, result(json!({"result": sent}))),
        (200, result(json!({"result": "error", "error": {"code": sent, "message": bound}}))),
        (
            200,
            result(json!({"result": "error", "error": {"code": "revision-not-found", "extra": {"releases": [
                {"architecture": "amd64", "channel": format!("latest/stable/{sent}")}
            ]}}})),
        ),
        (200, snap(json!({"name": sent}))),
        (200, snap(json!({"version": shown}))),
        (200, snap(json!({"version": "1", "base": sent}))),
        (200, snap(json!({"version": "1", "type": sent}))),
    ] {
        store.mend();
        store.fail(9, "/v2/snaps/refresh", Trouble::Status(status, JSON, body.to_string()));
        canary::run(&site, &format!("{EXPORT} --retries 1"), Some(1));
    }
    store.mend();
    let unknown = r#"{"error-list": [{"code": "unauthorized", "message": "unknown"}]}"#;
    store.fail(9, "/v2/snaps/refresh", Trouble::Status(401, "", unknown.to_owned()));
    site.run(EXPORT)
        .stderr_holds("HTTP status 401: unauthorized: unknown")
        .stderr_holds("hint: the login of `UBUNTU_STORE_AUTH` may have ended, or its account may not have this; `snapcraft")
        .code(1);
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
    store.fail(1, "/v2/snaps/refresh", Trouble::Status(200, JSON, old.to_owned()));
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
    // Who has said no is not asked again.
    sso.asked();
    let site = site.file("three.txt", "snap tool\nsnap core22\nsnap tool revision=7\n");
    site.run(&format!("export --list three.txt {TRUST} --keep-going")).any_stdout().any_stderr().code(1);
    assert_eq!(sso.asked().len(), 1);
    // Where renewing is of no use, it ends.
    for body in ["", r#"{"error-list": [{"code": "user-authorization-needs-refresh"}]}"#] {
        let (status, headers) = if body.is_empty() { (401, OLD) } else { (200, JSON) };
        store.mend();
        store.fail(9, "/v2/snaps/refresh", Trouble::Status(status, headers, body.to_owned()));
        sso.asked();
        store.asked();
        sso.renew(macaroon("first"), macaroon("first"));
        site.run(EXPORT).stderr_holds("the login of `UBUNTU_STORE_AUTH` may have ended").code(1);
        assert_eq!((store.asked().len(), sso.asked().len()), (3, 2), "{body}");
    }
    // Who cannot answer is not the login's fault.
    for (status, body, expected) in [
        (500, "", "at `SSO`: HTTP status 500"),
        (429, "", "at `SSO`: HTTP status 429"),
        (200, "{}", "at `SSO`: the answer is no macaroon"),
        (200, r#"{"discharge_macaroon": "junk"}"#, "at `SSO`: the answer is no macaroon"),
    ] {
        sso.mend();
        sso.fail(9, "/tokens/refresh", Trouble::Status(status, JSON, body.to_owned()));
        let said = site.run(&format!("{EXPORT} --retries 1")).stderr_of(1);
        assert!(said.contains(expected) && !said.contains("export-login"), "{said}");
    }
}

#[test]
fn one_renewal_serves_all_and_what_another_place_has_discharged_is_not_renewed() {
    let (store, sso) = (store(), SnapStore::start([]));
    publish(&store, &Snap { weight: 2000, ..Snap::app("tool2", 8) }, &[]);
    let renewed = shown_login("second-bound");
    store.want_login(&renewed);
    store.want_renewal(&shown_login("first-bound"));
    sso.renew(macaroon("first"), macaroon("second"));
    let site = site(&store)
        .file("list.txt", "snap tool\nsnap tool2\nsnap core22\nsnap tool revision=7\n")
        .env("UBUNTU_STORE_AUTH", &exported_login())
        .env("SNAPPY_FORCE_SSO_URL", &format!("{}/api/v2", sso.url()));
    site.run(EXPORT).any_stdout().any_stderr().code(0);
    assert_eq!(sso.asked().len(), 1);
    // The root is not of Ubuntu One, and stands for a discharge of somebody else here.
    let foreign = json!({"r": macaroon("root"), "d": macaroon("root")}).to_string();
    let site = site.env("UBUNTU_STORE_AUTH", &base64(&foreign));
    store.fail(99, "/v2/snaps/refresh", Trouble::Status(401, OLD, String::new()));
    store.asked();
    site.run(EXPORT).stderr_holds("may have ended").any_stdout().code(1);
    assert_eq!(sso.asked().len(), 0);
}

#[test]
fn ranges_and_what_goes_on_after_a_fault_show_it_too() {
    let store = SnapStore::start([]);
    let images = Some("registry.k8s.io/pause:3.10\n".to_owned());
    publish(&store, &Snap { images, ..Snap::app("tool", 7) }, &[]);
    publish(&store, &Snap { weight: 2000, ..Snap::base("core22", 1380) }, &[]);
    store.want_login(&shown_login("first-bound"));
    let site = site(&store).env("UBUNTU_STORE_AUTH", &exported_login());
    store.fail(1, "/api/v1/snaps/download/tool", Trouble::Cut(100_000));
    canary::run(&site, EXPORT, Some(0));
    let asked = store.asked();
    let ranges = asked.iter().filter(|asked| asked.headers.contains_key("range")).count();
    assert!(ranges >= 1, "{asked:?}");
    // Only the parts that are needed: the images themselves are nowhere.
    let listed = site.file("list.txt", "snap tool images=yes\n");
    listed.run(EXPORT).any_stdout().any_stderr().code(1);
    for one in asked.into_iter().chain(store.asked()) {
        assert_eq!(one.headers.get("authorization"), Some(&shown_login("first-bound")), "{}", one.line);
    }
}

#[test]
fn who_wants_no_snap_of_the_store_hears_nothing_of_its_variables() {
    let store = store();
    for (name, value) in [
        ("UBUNTU_STORE_AUTH", "junk!"),
        ("UBUNTU_STORE_AUTH_DATA_FILENAME", "absent"),
        ("UBUNTU_STORE_URL", "junk"),
        ("SNAPPY_FORCE_SSO_URL", "junk"),
    ] {
        let site = site(&store).file("list.txt", "file ./a.txt\n").file("a.txt", "a").env(name, value);
        site.run("export --list list.txt -o other.tar").any_stdout().any_stderr().code(0);
    }
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
            "`SNAPPY_FORCE_SSO_URL` is wrong\n  cause: the address of Ubuntu One has a login in it",
        ),
        (
            site(&store)
                .file("secrets/long", &format!("{}[login.ubuntu.com]", "# canary-x\n".repeat(7000)))
                .env("UBUNTU_STORE_AUTH_DATA_FILENAME", "secrets/long"),
            "`secrets/long` (`UBUNTU_STORE_AUTH_DATA_FILENAME`): it is longer than 65536 bytes",
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
