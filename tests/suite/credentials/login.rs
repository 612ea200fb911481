//! `login` and `logout`.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use airgap_bundle::stores::registry::server::Auth;

use super::{closed, pair, serve, site};
use crate::site::Site;

const LOGIN: &str = "login HOST --username user --password-file password";

fn with_password(site: Site) -> Site {
    site.file("password", "secret\n").file("wrong", "wrong\n")
}

fn json(site: &Site, path: &str) -> serde_json::Value {
    serde_json::from_slice(&site.read(path)).unwrap()
}

#[test]
fn a_login_is_proved_kept_and_forgotten() {
    for auth in [Auth::basic("user", "secret"), Auth::bearer("user", "secret")] {
        let server = serve(auth);
        let site = with_password(site(&server));
        let file = "home/.config/containers/auth.json";
        site.run(LOGIN).stderr(&format!("logged in to `HOST` as `user`; kept in `SITE/{file}`\n")).code(0);
        assert_eq!(
            json(&site, file),
            serde_json::json!({"auths": {server.host(): {"auth": pair("user", "secret")}}})
        );
        assert_eq!(std::fs::metadata(site.path(file)).unwrap().permissions().mode() & 0o777, 0o600);
        site.run("export HOST/a:1").any_stdout().any_stderr().code(0);
        site.run("logout HOST")
            .stderr(&format!("logged out of `HOST`: removed from `SITE/{file}`\n"))
            .code(0);
        assert_eq!(json(&site, file), serde_json::json!({"auths": {}}));
        site.run("logout HOST")
            .stderr(&format!("error: a login for `HOST` in `SITE/{file}` was not found\n"))
            .code(1);
    }
}

#[test]
fn what_a_registry_refuses_is_not_kept() {
    for auth in [Auth::basic("user", "secret"), Auth::bearer("user", "secret")] {
        let server = serve(auth);
        let site = with_password(site(&server));
        site.run("login HOST --username user --password-file wrong")
            .stderr_holds("was denied: HTTP status 401: UNAUTHORIZED")
            .stderr_holds("\nhint: check user name and password; where logins have two factors, a token takes the place")
            .code(1);
        site.run("login HOST --username robot --password-file wrong")
            .stderr_holds("; the user name `robot` looks cut off")
            .code(1);
        assert!(!site.path("home/.config").exists());
    }
}

#[test]
fn the_rest_of_the_file_stays() {
    let server = closed();
    let before = r#"{"HttpHeaders": {"b": 1.50, "a": [1, {"x": null}]},
        "auths": {"quay.io": {"auth": "YTpi", "email": "x"}, "https://HOST/v1/": {"auth": "YTpi"}, "HOST/b": {}},
        "credHelpers": {"gcr.io": "gcloud"}}"#;
    let site = with_password(site(&server)).file("dir/auth.json", before);
    std::os::unix::fs::symlink("dir/auth.json", site.path("link.json")).unwrap();
    site.run(&format!("{LOGIN} --auth-file link.json")).any_stderr().code(0);
    assert!(site.path("link.json").is_symlink());
    let text = String::from_utf8(site.read("dir/auth.json")).unwrap();
    let expected = format!(
        "{{\n\t\"auths\": {{\n\t\t\"quay.io\": {{\n\t\t\t\"auth\": \"YTpi\",\n\t\t\t\"email\": \"x\"\n\t\t}},\n\t\t\"HOST/b\": {{}},\n\
         \t\t\"HOST\": {{\n\t\t\t\"auth\": \"{}\"\n\t\t}}\n\t}},\n\t\"HttpHeaders\": {{\n\t\t\"b\": 1.50,\n\t\t\"a\": [\n\t\t\t1,\n\
         \t\t\t{{\n\t\t\t\t\"x\": null\n\t\t\t}}\n\t\t]\n\t}},\n\t\"credHelpers\": {{\n\t\t\"gcr.io\": \"gcloud\"\n\t}}\n}}\n",
        pair("user", "secret")
    );
    assert_eq!(text, site.fill(&expected));
    assert_eq!(site.files("dir"), ["dir/auth.json"], "no temporary file is left");
    // A file that is none is not touched.
    let site = site.file("dir/auth.json", "not JSON");
    site.run(&format!("{LOGIN} --auth-file link.json")).stderr_holds("cannot be used").code(2);
    assert_eq!(site.read("dir/auth.json"), b"not JSON");
}

#[test]
fn it_writes_where_it_is_read_first_and_stays() {
    let server = closed();
    let site = with_password(site(&server)).env("XDG_RUNTIME_DIR", "SITE/run");
    let runtime = format!(r#"{{"auths":{{"HOST":{{"auth":"{}"}}}}}}"#, pair("other", "wrong"));
    let site = site.file("run/containers/auth.json", &runtime).env("XDG_CONFIG_HOME", "SITE/config");
    let kept = "config/containers/auth.json";
    site.run(LOGIN)
        .stderr(&format!(
            "warning: later runs take the credentials of `SITE/run/containers/auth.json`, key `HOST`, which come before \
             `SITE/{kept}`\nlogged in to `HOST` as `user`; kept in `SITE/{kept}`\n"
        ))
        .code(0);
    site.run("logout HOST")
        .stderr(&format!(
            "warning: later runs still find credentials in `SITE/run/containers/auth.json`, key `HOST`\n\
             logged out of `HOST`: removed from `SITE/{kept}`\n"
        ))
        .code(0);
    site.run("logout HOST")
        .stderr_holds("hint: there is one in `SITE/run/containers/auth.json`, key `HOST`: remove it there")
        .code(1);
    let site = site.env("REGISTRY_AUTH_FILE", "SITE/new/named.json");
    site.run(LOGIN).stderr("logged in to `HOST` as `user`; kept in `SITE/new/named.json`\n").code(0);
    site.run(&format!("{LOGIN} --auth-file flag.json"))
        .stderr("logged in to `HOST` as `user`; kept in `flag.json`\n")
        .code(0);
}

#[test]
fn a_path_has_a_login_of_its_own() {
    let server = closed();
    let site = with_password(site(&server)).file("auth.json", r#"{"credsStore":"gone"}"#);
    site.run("login HOST/a --username user --password-file password --auth-file auth.json")
        .stderr("logged in to `HOST/a` as `user`; kept in `auth.json`\n")
        .code(0);
    site.run("export HOST/a:1 --auth-file auth.json").any_stdout().any_stderr().code(0);
    site.run("logout HOST/a --auth-file auth.json").any_stderr().code(0);
}

#[test]
fn a_helper_that_the_file_names_keeps_it() {
    let server = closed();
    let script = "printf '%s ' \"$1\" >>SITE/log; cat >>SITE/log; echo >>SITE/log\n";
    let old = format!(r#"{{"auths":{{"HOST":{{"auth":"{}"}}}},"credsStore":"vault"}}"#, pair("old", "old"));
    let site = with_password(site(&server)).helper("vault", script).file("auth.json", &old);
    site.run(&format!("{LOGIN} --auth-file auth.json"))
        .stderr("logged in to `HOST` as `user`; kept in `docker-credential-vault`, which `auth.json` names\n")
        .code(0);
    assert_eq!(json(&site, "auth.json"), serde_json::json!({"auths": {}, "credsStore": "vault"}));
    site.run("logout HOST --auth-file auth.json").any_stderr().code(0);
    let log = format!(
        "store {{\"ServerURL\":\"{0}\",\"Username\":\"user\",\"Secret\":\"secret\"}}\nerase {0}\n",
        server.host()
    );
    assert_eq!(String::from_utf8(site.read("log")).unwrap(), log);
}

#[test]
fn docker_hub_has_the_name_that_docker_gives_it() {
    let script = "cat >>SITE/log; echo >>SITE/log\n";
    let site =
        Site::new().helper("vault", script).file("auth.json", r#"{"credHelpers":{"docker.io":"vault"}}"#);
    for name in ["docker.io", "https://index.docker.io/v1/", "registry-1.docker.io"] {
        site.run(&format!("logout {name} --auth-file auth.json")).any_stderr().code(0);
    }
    assert_eq!(site.read("log"), "https://index.docker.io/v1/\n".repeat(3).as_bytes());
}

#[test]
fn a_registry_that_asks_nobody_proves_nothing() {
    let server = serve(Auth::None);
    let site = with_password(site(&server));
    site.run(LOGIN).stderr_holds("warning: `HOST` asks nobody who they are").code(0);
    let report = site.run(&format!("{LOGIN} --json")).json(0);
    assert_eq!((&report["command"], &report["status"]), (&"login".into(), &"done".into()));
    assert!(!report.to_string().contains("secret"));
}

#[test]
fn without_a_terminal_nothing_is_asked() {
    let server = closed();
    let site = site(&server);
    site.run("login HOST")
        .stderr(
            "error: there is no terminal to ask for the login at\n\
             \nhint: say `--username USER` with `--password-stdin` or `--password-file FILE`\n",
        )
        .code(2);
    site.run("login HOST -u user")
        .stderr(
            "error: there is no terminal to ask for the password at\n\
             \nhint: give the password with `--password-stdin` or `--password-file FILE`\n",
        )
        .code(2);
    site.stdin("secret\n").run("login HOST -u user --password-stdin").any_stderr().code(0);
}

#[test]
fn credentials_in_the_name_of_a_registry_are_refused_and_not_repeated() {
    let server = closed();
    let said = site(&server).run("login https://user:secret@HOST").stderr_of(2);
    assert!(!said.contains("secret") && said.contains("--password-stdin"), "{said}");
}

/// Types at a terminal, and returns what is seen there.
fn typed(site: &Site, arguments: &str, keys: &str) -> String {
    let line = format!("trap : INT; {} {}", env!("CARGO_BIN_EXE_airgap-bundle"), site.fill(arguments));
    // Each answer waits for its question, so that nothing is typed before echo is off.
    let script = r#"
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execvp("sh", ["sh", "-c", sys.argv[1]])
seen = b""
answers = sys.argv[2].encode().split(b"|")
while True:
    try:
        part = os.read(terminal, 1024)
    except OSError:
        break
    if not part:
        break
    seen += part
    if answers and seen.endswith(b": "):
        os.write(terminal, answers.pop(0))
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 255)
"#;
    let output = Command::new("timeout")
        .args(["60", "python3", "-c", script, &line, keys])
        .current_dir(site.root())
        .env("HOME", site.path("home"))
        .output()
        .expect("running timeout and python3");
    format!("{}{}", output.status.code().unwrap_or(-1), site.normal(&String::from_utf8_lossy(&output.stdout)))
}

#[test]
fn at_a_terminal_it_asks_and_the_password_is_not_seen() {
    let server = closed();
    let site = site(&server);
    let seen = typed(&site, "login HOST", "user\n|secret\n");
    assert!(seen.starts_with("0User name for HOST: user\r\nPassword: \r\n"), "{seen:?}");
    assert!(seen.contains("logged in to `HOST` as `user`"), "{seen:?}");
    // Echo is on again, also after Ctrl-C.
    let seen = typed(&site, "login HOST -u user; stty -a", "\u{3}");
    assert!(seen.contains(" echo ") && !seen.contains("-echo "), "{seen:?}");
}
