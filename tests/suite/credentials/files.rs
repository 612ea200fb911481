//! Which file has the credentials, and what is said where none has good ones.

use super::{closed, pair, site};

fn entry(user: &str, password: &str) -> String {
    format!(r#"{{"auths":{{"HOST":{{"auth":"{}"}}}}}}"#, pair(user, password))
}

#[test]
fn files_are_looked_into_in_their_order() {
    let server = closed();
    let places = [
        ("REGISTRY_AUTH_FILE", "SITE/named.json", "named.json"),
        ("DOCKER_CONFIG", "SITE/docker", "docker/config.json"),
        ("HELM_REGISTRY_CONFIG", "SITE/helm.json", "helm.json"),
        ("XDG_RUNTIME_DIR", "SITE/runtime", "runtime/containers/auth.json"),
        ("XDG_CONFIG_HOME", "SITE/config", "config/containers/auth.json"),
        ("", "", "home/.docker/config.json"),
    ];
    // Each time the first of those that are left wins: it is the one whose password is refused.
    for first in 0..places.len() {
        let mut site = site(&server);
        for (variable, value, file) in &places[first..] {
            site = site.file(file, &entry("user", "wrong"));
            if !variable.is_empty() {
                site = site.env(variable, value);
            }
        }
        let used =
            format!("hint: the credentials of `SITE/{}`, key `HOST` were not accepted", places[first].2);
        site.run("export HOST/a:1").stderr_holds(&used).code(1);
    }
    // Where nothing says otherwise, `~/.config`; and a flag wins over all.
    let site = site(&server).file("home/.config/containers/auth.json", &entry("user", "wrong"));
    site.run("export HOST/a:1").stderr_holds("`SITE/home/.config/containers/auth.json`, key `HOST`").code(1);
    let site = site.file("flag.json", &entry("user", "secret"));
    site.run("export HOST/a:1 --auth-file flag.json").any_stdout().any_stderr().code(0);
    let site = site.file("password", "secret\n").file("flag.json", &entry("user", "wrong"));
    site.run("export HOST/a:1 --force --auth-file flag.json --username HOST=user --password-file password")
        .any_stdout()
        .any_stderr()
        .code(0);
}

#[test]
fn docker_config_is_a_folder() {
    let server = closed();
    let site = site(&server).file("config.json", "{}").env("DOCKER_CONFIG", "SITE/config.json");
    site.run("export HOST/a:1")
        .stderr(
            "error: `$DOCKER_CONFIG` is `SITE/config.json`, a file: it names the folder that holds `config.json`\n\
             \nhint: name the folder, or the file with `--auth-file`\n",
        )
        .code(2);
    site.env("DOCKER_CONFIG", "SITE/none")
        .run("export HOST/a:1")
        .stderr_holds("there is no credential file")
        .code(1);
}

#[test]
fn a_bad_file_is_an_error_and_not_an_anonymous_pull() {
    let server = closed();
    let site = site(&server).file("home/.docker/config.json", "{\"auths\": secret}");
    site.run("export HOST/a:1")
        .stderr(
            "error: the credential file `SITE/home/.docker/config.json` cannot be used: JSON of another shape, line 1, \
             column 11\n",
        )
        .code(2);
    let site = site.file("home/.docker/config.json", "{\"auths\":\n");
    site.run("export HOST/a:1")
        .stderr_holds("cannot be used: it ends too early: the JSON is not complete\n")
        .code(2);
    site.run("export HOST/a:1 --auth-file home")
        .stderr("error: `--auth-file home` is a folder, not a file\n")
        .code(2);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn under_sudo_it_is_said_whose_home_was_read() {
    let server = closed();
    let under = "run under sudo by `alice`, with `SITE/home` as the home folder";
    let site = site(&server).env("SUDO_USER", "alice");
    site.run("export HOST/a:1")
        .stderr_holds(&format!("(without credentials: there is no credential file; {under})\n"))
        .code(1);
    let site = site.file("home/.docker/config.json", &entry("user", "wrong"));
    site.run("export HOST/a:1")
        .stderr_holds(&format!("of `SITE/home/.docker/config.json`, key `HOST` ({under}) were not accepted"))
        .code(1);
    let site = site.file("home/.docker/config.json", "{");
    site.run("export HOST/a:1").stderr_holds(&format!("({under})\n")).code(2);
}

#[test]
fn a_robot_whose_name_a_shell_ate_gets_a_hint() {
    let server = closed();
    let site = site(&server).file("password", "secret\n").file("auth.json", &entry("robot+ci", "secret"));
    for (flags, name) in
        [("--username robot --password-file password", "robot"), ("--auth-file auth.json", "robot+ci")]
    {
        site.run(&format!("export HOST/a:1 {flags}"))
            .stderr_holds(&format!(
                "; the user name `{name}` looks cut off: robot accounts are called `robot$NAME`"
            ))
            .code(1);
    }
}

#[test]
fn two_readers_of_stdin_are_too_many() {
    let server = closed();
    site(&server)
        .stdin("secret\n")
        .run("export --list - --username HOST=user --password-stdin")
        .stderr_holds("standard input")
        .code(2);
}

#[test]
fn a_password_comes_from_stdin_for_the_registry_that_is_named() {
    let server = closed();
    let site = site(&server).stdin("secret\r\n");
    site.run("export HOST/a:1 --username user --password-stdin").any_stdout().any_stderr().code(0);
    site.run("export HOST/a:1 other.invalid/a:1 --username user --password-stdin")
        .stderr_holds(
            "`--username` without a host is for one registry, and there are 2: `HOST`, `other.invalid`",
        )
        .stderr_holds("hint: log in to each with `airgap-bundle login HOST`")
        .code(2);
}
