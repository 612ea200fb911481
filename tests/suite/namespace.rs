//! Mounts of a test's own: what it mounts is seen by what it runs, and by nobody else.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::site::Site;
use crate::tools::find;

/// Begins every script: `airgap-bundle` is the program under test, and a command that fails ends it.
const BEGIN: &str = "set -euo pipefail\nairgap-bundle() { \"$AIRGAP_BUNDLE\" \"$@\"; }\n";

/// Runs a bash script in the site's folder, in a mount namespace that ends with it, and with an environment of the site's
/// own. It must succeed.
pub(crate) fn run(site: &Site, script: &str) -> String {
    let output = output(site, script);
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\nended with {}:\n{stdout}{stderr}", output.status);
    stdout
}

fn output(site: &Site, script: &str) -> Output {
    let mut command = Command::new(find("unshare"));
    if !is_root() {
        // A user is root in a namespace of their own.
        command.args(["--user", "--map-root-user"]);
    }
    command
        .args(["--mount", "--propagation", "private", "bash", "-c"])
        .arg(format!("{BEGIN}{}", site.fill(script)))
        .current_dir(site.root())
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", site.path("home"))
        .env("TMPDIR", site.path("tmp"))
        .env("AIRGAP_BUNDLE", env!("CARGO_BIN_EXE_airgap-bundle"))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    Path::new("/proc/self").metadata().is_ok_and(|process| process.uid() == 0)
}
