//! What a person reads where a registry refuses, or is none: which side it was, what was used, and what to try.

use airgap_bundle::stores::registry::server::{Auth, Options, Server};

use crate::fixture::{Pack, Web, image};
use crate::site::Site;

/// A registry that wants a password, with `a:1` and `a:v1.2` in it.
fn closed() -> Server {
    let auth = Auth::basic("user", "secret");
    let server = Server::start(Options { auth, ..Options::memory() }).unwrap();
    for tag in ["1", "v1.2"] {
        image(1, 2, 1000).put(server.registry(), "a", Some(tag));
    }
    server
}

/// A site with `site.tar`, and `HOST` for a registry.
fn site(host: &str) -> Site {
    let pack = Pack::new().graph("q.io/a:1", &image(1, 2, 1000));
    Site::new()
        .named("HOST", host)
        .bytes("site.tar", &pack.tar())
        .file("wrong", "wrong\n")
        .file("right", "secret\n")
}

const GIVE: &str = "\nhint: give credentials: log in with `airgap-bundle login HOST`, or name a file that holds them with \
                    `--auth-file` or `$REGISTRY_AUTH_FILE`; a repository that is not there may be refused so, too\n";

#[test]
fn without_credentials_the_ways_to_give_them_are_named() {
    let server = closed();
    let site = site(&server.host());
    site.run("export HOST/a:1")
        .stderr_holds(
            "cause: reading from registry `HOST`: manifest `1` of `HOST/a` was denied: HTTP status 401",
        )
        .stderr_holds("(without credentials: there is no credential file)\n")
        .stderr_holds(GIVE)
        .code(1);
    site.run("import site.tar --to HOST")
        .stderr_holds("writing to registry `HOST`: ")
        .stderr_holds("was denied: HTTP status 401")
        .stderr_holds(GIVE)
        .code(1);
}

#[test]
fn credentials_that_are_wrong_are_named_by_where_they_come_from() {
    let server = closed();
    let site = site(&server.host());
    let others = "were not accepted: mend them there, or give others with `--auth-file` or `--username HOST=USER \
                  --password-stdin`\n";
    site.run("export HOST/a:1 --username user --password-file wrong")
        .stderr_holds("(with the credentials of `--username`)\n")
        .stderr_holds(&format!("hint: the credentials of `--username` {others}"))
        .code(1);
    for (flag, name) in [("--auth-file auth.json", "auth.json"), ("", "SITE/auth.json")] {
        let site = Site::new().named("HOST", server.host());
        // `user:wrong`
        let site = site.file("auth.json", r#"{"auths":{"HOST":{"auth":"dXNlcjp3cm9uZw=="}}}"#);
        let site = if flag.is_empty() { site.env("REGISTRY_AUTH_FILE", "SITE/auth.json") } else { site };
        site.run(&format!("export HOST/a:1 {flag}"))
            .stderr_holds(&format!("hint: the credentials of `{name}`, key `HOST` {others}"))
            .code(1);
    }
}

#[test]
fn a_login_for_another_registry_is_said() {
    let server = closed();
    let site = site(&server.host());
    let warning =
        "warning: `--username other.io=…` is for no registry of this call: this call speaks to `HOST`\n";
    site.run("import site.tar --to HOST --username other.io=user --password-file right")
        .stderr_holds(warning)
        .code(1);
    let report = site.run("export HOST/a:1 --username other.io=user --password-file right --json").json(1);
    assert_eq!(report["warnings"].as_array().unwrap().len(), 1, "{report}");
    site.run("export HOST/a:1 --username HOST=user --password-file right").any_stdout().any_stderr().code(0);
}

#[test]
fn a_password_file_that_cannot_be_read_is_named_with_its_flag() {
    let site = site("q.io");
    site.run("import site.tar --to HOST --username user --password-file none")
        .stderr("error: `--password-file none` was not found\n")
        .code(2);
    site.env("REGISTRY_AUTH_FILE", "none")
        .run("import site.tar --to HOST")
        .stderr(
            "error: the credential file `none`, which `$REGISTRY_AUTH_FILE` names, was not found\n\
             \nhint: `airgap-bundle login HOST` makes it\n",
        )
        .code(2);
}

#[test]
fn a_file_that_the_own_variable_names_is_named_with_it() {
    site("q.io")
        .env("AIRGAP_BUNDLE_AUTH_FILE", "none")
        .run("import site.tar --to HOST")
        .stderr("error: `none`, which `$AIRGAP_BUNDLE_AUTH_FILE` names, was not found\n")
        .code(2);
}

#[test]
fn where_one_file_alone_is_read_a_login_is_for_that_file() {
    let server = closed();
    let site = site(&server.host()).file("empty.json", "{}");
    let hint = "log in with `airgap-bundle login HOST --auth-file empty.json`";
    site.run("export HOST/a:1 --auth-file empty.json").stderr_holds(hint).code(1);
    site.env("AIRGAP_BUNDLE_AUTH_FILE", "empty.json").run("export HOST/a:1").stderr_holds(hint).code(1);
}

#[test]
fn two_user_names_are_two_logins() {
    site("q.io")
        .run("mirror a:1 --to HOST --username a.io=user --username HOST=user --password-file right")
        .stderr_holds("`--username` is given 2 times, and there is one password\n")
        .stderr_holds("hint: log in to each registry with `airgap-bundle login HOST`\n")
        .code(2);
}

#[test]
fn a_token_host_is_of_a_registry_of_the_call() {
    let server = closed();
    let site = site(&server.host());
    for named in ["docker.io=a.b/c", "docker.io=a.b:x", "docker.io=", "docker.io"] {
        site.run(&format!("export HOST/a:1 --token-host {named}"))
            .stderr_holds(&format!("`--token-host {named}`: expected `REGISTRY=HOST[:PORT]`"))
            .code(2);
    }
    site.run("export HOST/a:1 --token-host other.io=auth.io:5000")
        .stderr_holds("warning: `--token-host other.io=…` is for no registry of this call: this call speaks to `HOST`\n")
        .code(1);
}

#[test]
fn a_web_server_that_is_no_registry_is_called_so() {
    let web = Web::start([]);
    let site = site(&web.host());
    let hint = "\nhint: what answers there may be no registry: check host and port, and whether a proxy or a login page \
                stands in between\n";
    site.run("export HOST/a:1")
        .stderr_holds(
            "cause: reading from registry `HOST`: manifest `1` of `HOST/a` (HTTP status 404) was not found\n",
        )
        .stderr_holds(hint)
        .code(1);
    site.run("import site.tar --to HOST")
        .stderr_holds("writing to registry `HOST`: ")
        .stderr_holds(hint)
        .code(1);
}

#[test]
fn plain_http_where_tls_was_meant_is_said() {
    let server = Server::start(Options::memory()).unwrap();
    site(&server.host())
        .run("import site.tar --to https://HOST")
        .stderr_holds("writing to registry `HOST`: HEAD https://HOST/")
        .stderr_holds("`HOST` does not speak TLS here")
        .stderr_holds("hint: if it speaks plain HTTP, say `--plain-http HOST`")
        .code(1);
}

#[test]
fn a_tag_that_is_not_there_is_answered_with_those_that_are() {
    let server = closed();
    site(&server.host())
        .run("export HOST/a:1.2 --username user --password-file right")
        .stderr_holds("manifest `1.2` of `HOST/a` (HTTP status 404: MANIFEST_UNKNOWN")
        .stderr_holds("\nhint: `HOST/a` has the tags `v1.2`, `1`\n")
        .code(1);
}
