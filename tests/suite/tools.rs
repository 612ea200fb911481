//! Programs that tests drive. None is ever skipped: a missing one fails the test that needs it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where `go install` puts programs: `GOBIN`, or `bin/` of the first folder of `GOPATH` (`go help install`).
fn go_bin() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let output = Command::new("go").args(["env", "GOBIN", "GOPATH"]).output().ok()?;
        let said = String::from_utf8(output.stdout).ok()?;
        let mut lines = said.lines();
        let own = lines.next().filter(|line| !line.is_empty()).map(PathBuf::from);
        own.or_else(|| Some(env::split_paths(lines.next()?).next()?.join("bin")))
    };
    FOUND.get_or_init(find).as_deref()
}

/// Finds a program where `go install` puts them, which is where the versions are that these tests are written for, or in
/// `PATH`.
pub(crate) fn find(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    // Servers lie where the PATH of an ordinary user does not lead.
    let servers = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let folders = go_bin().map(Path::to_owned).into_iter().chain(env::split_paths(&path)).chain(servers);
    let mut candidates = folders.map(|folder| folder.join(name));
    candidates.find(|candidate| candidate.is_file()).unwrap_or_else(|| {
        panic!("`{name}` is needed by this test and not installed: run `make test`, which installs it")
    })
}

/// A program to be run with a home of its own, so that neither the user's settings nor their credentials reach it.
pub(crate) fn command(name: &str, home: &Path) -> Command {
    let mut command = Command::new(find(name));
    command
        .current_dir(home)
        .env("HOME", home)
        .env("TMPDIR", home)
        .env("XDG_RUNTIME_DIR", home)
        .env("XDG_CONFIG_HOME", home.join(".config"))
        .env("DOCKER_CONFIG", home.join(".docker"))
        .env("REGISTRY_AUTH_FILE", home.join("auth.json"));
    for proxy in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        command.env_remove(proxy);
    }
    command
}

/// Runs a program that must succeed, and returns what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}:\n{stdout}{stderr}", output.status);
    stdout
}
