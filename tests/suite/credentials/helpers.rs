//! Credential helpers, which are programs that others wrote.

use airgap_bundle::stores::registry::server::{Auth, Bearer};

use super::{closed, pair, serve, site};

/// Keeps a line for each call: what it was asked, and of what.
const LOG: &str = "printf '%s %s\\n' \"$1\" \"$(cat)\" >>SITE/log\n";
const GOOD: &str = "printf '{\"ServerURL\":\"x\",\"Username\":\"user\",\"Secret\":\"secret\"}'\n";
const NOTHING: &str = "echo credentials not found in native keychain; exit 1\n";

fn good() -> String {
    format!("{LOG}{GOOD}")
}

#[test]
fn a_helper_is_asked_once_and_only_where_a_registry_wants_credentials() {
    let (server, open) = (closed(), serve(Auth::None));
    let site = site(&server)
        .named("OPEN", open.host())
        .helper("vault", &good())
        .file("auth.json", r#"{"credHelpers":{"HOST":"vault","OPEN":"gone"}}"#);
    site.run("export HOST/a:1 OPEN/a:1 --auth-file auth.json").any_stdout().any_stderr().code(0);
    assert_eq!(site.read("log"), format!("get {}\n", server.host()).as_bytes());
}

#[test]
fn a_store_for_all_registries_is_asked_last_and_its_nothing_is_nothing() {
    let server = closed();
    let other = site(&server).helper("store", &format!("{LOG}{NOTHING}"));
    let other = other.file("a.json", r#"{"auths":{"HOST":{}},"credsStore":"store"}"#);
    // The next file has some.
    let entry = format!(r#"{{"auths":{{"HOST":{{"auth":"{}"}}}}}}"#, pair("user", "secret"));
    let other = other.env("REGISTRY_AUTH_FILE", "a.json").file("home/.docker/config.json", &entry);
    other.run("export HOST/a:1").any_stdout().any_stderr().code(0);
    assert_eq!(other.read("log"), format!("get {}\n", server.host()).as_bytes());
    // Without it, what was looked into is said.
    std::fs::remove_file(other.path("home/.docker/config.json")).unwrap();
    other
        .run("export HOST/a:1 --force")
        .stderr_holds(
            "(without credentials: none for `HOST` in `a.json`, `docker-credential-store` (`a.json`))",
        )
        .code(1);
}

#[test]
fn within_a_file_the_most_specific_wins_and_a_helper_over_an_entry_that_is_as_specific() {
    let server = closed();
    let (right, wrong) = (pair("user", "secret"), pair("user", "wrong"));
    let by_path = format!(r#"{{"auths":{{"HOST/a":{{"auth":"{right}"}}}},"credHelpers":{{"HOST":"gone"}}}}"#);
    let by_helper =
        format!(r#"{{"auths":{{"HOST":{{"auth":"{wrong}"}}}},"credHelpers":{{"HOST":"vault"}}}}"#);
    let by_host = format!(r#"{{"auths":{{"HOST":{{"auth":"{right}"}}}},"credsStore":"gone"}}"#);
    for file in [by_path, by_helper, by_host] {
        let site = site(&server).helper("vault", &good()).file("auth.json", &file);
        site.run("export HOST/a:1 --auth-file auth.json").any_stdout().any_stderr().code(0);
    }
}

#[test]
fn what_a_helper_does_wrong_is_told_without_what_it_printed() {
    let server = closed();
    let head = "reading from registry `HOST`: the credential helper `docker-credential-vault`, which `auth.json` names \
                for `HOST`: ";
    for (script, why) in [
        ("echo secret-junk\n", "what it printed is not JSON with `Username` and `Secret`\n"),
        ("echo '{\"Username\":\"secret-junk\"}'\n", "it printed a user name or a secret, but not both\n"),
        ("echo secret-junk; echo secret-junk >&2; exit 3\n", "it ended with exit status 3\n"),
        ("kill -9 $$\n", "a signal ended it\n"),
        ("yes secret-junk\n", "it printed more than 1048576 bytes\n"),
    ] {
        let site =
            site(&server).helper("vault", script).file("auth.json", r#"{"credHelpers":{"HOST":"vault"}}"#);
        let said = site.run("export HOST/a:1 --auth-file auth.json -v").stderr_of(1);
        assert!(said.contains(&format!("{head}{why}")), "{said}");
        assert!(said.contains("hint: try it with `echo HOST | docker-credential-vault get`"), "{said}");
        assert!(!said.contains("secret-junk"), "{said}");
    }
}

#[test]
fn a_helper_that_is_missing_fails_its_registry_alone() {
    let (server, open) = (closed(), serve(Auth::None));
    let site = site(&server).named("OPEN", open.host());
    let site = site.file("auth.json", r#"{"credHelpers":{"HOST":"gone","OPEN":"../gone"}}"#);
    site.run("export HOST/a:1 OPEN/a:1 --auth-file auth.json --keep-going")
        .any_stdout()
        .stderr_holds(
            "`docker-credential-gone`, which `auth.json` names for `HOST`: there is no such program",
        )
        .stderr_holds("hint: install it, log in with `airgap-bundle login HOST`, or name another file")
        .code(4);
    let site = site.file("auth.json", r#"{"credsStore":"../../bin/sh"}"#);
    site.run("export HOST/a:1 --auth-file auth.json --force")
        .stderr_holds("the name holds other things than letters")
        .code(1);
}

#[test]
fn a_user_called_token_has_an_identity_token() {
    let bearer = Bearer { identity_token: Some("identity".to_owned()), ..Bearer::new("user", "secret") };
    let server = serve(Auth::Bearer(bearer));
    let answer = r#"printf '{"ServerURL":"x","Username":"<token>","Secret":"identity"}'"#;
    let site = site(&server).helper("vault", answer).file("auth.json", r#"{"credsStore":"vault"}"#);
    site.run("export HOST/a:1 --auth-file auth.json").any_stdout().any_stderr().code(0);
    let token = server.requests().into_iter().find(|request| request.path == "/token").unwrap();
    assert_eq!((token.method.as_str(), token.query.as_str()), ("POST", ""));
}
