//! How much memory the binary takes.

use std::process::{Command, Output};

use crate::site::Site;

/// Runs the binary in a site and returns what it printed and the most bytes that it held.
pub(crate) fn run(site: &Site, arguments: &str) -> (Output, u64) {
    let inner = site.command(arguments);
    let mut command = Command::new("python3");
    command
        .args(["-B", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/peak.py")])
        .arg(inner.get_program())
        .args(inner.get_args())
        .env_clear()
        .envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(site.root());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let peak = said.lines().last().and_then(|line| line.parse().ok());
    let peak = peak.unwrap_or_else(|| panic!("{arguments}: no peak in: {said}"));
    (output, peak)
}
