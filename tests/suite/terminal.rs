//! What a person at a terminal sees: `script` of util-linux gives the binary one.

use std::process::Command;

use crate::fixture::{Pack, image};
use crate::site::Site;

/// Runs the binary at a terminal of 80 columns, and returns what it showed there.
fn shown(site: &Site, arguments: &str) -> String {
    let line = format!("stty cols 80; {} {arguments}", env!("CARGO_BIN_EXE_airgap-bundle"));
    let output = Command::new("script")
        .args(["--quiet", "--return", "--flush", "--command", &line, "/dev/null"])
        .current_dir(site.root())
        .env("TERM", "xterm")
        .output()
        .expect("running script, of util-linux");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn bars_say_what_is_done_from_their_first_frame_on_and_are_gone_at_the_end() {
    let site = Site::new().bytes("site.tar", &Pack::new().graph("q.io/a:1", &image(1, 3, 200_000)).tar());
    let text = shown(&site, "verify site.tar");
    let frames: Vec<&str> = text.split(['\r', '\n']).filter(|frame| frame.contains(" of ")).collect();
    let first = frames.first().expect("a bar");
    assert!(first.contains("verifying [") && first.contains("] 0 B of "), "{first:?}");
    assert!(!text.contains("0/0") && !first.contains("left"), "{text:?}");
    let long = frames.iter().find(|frame| frame.replace("\u{1b}[2K", "").trim_end().chars().count() > 80);
    assert_eq!(long, None, "nothing wraps");
    let (_, last) = text.rsplit_once("\u{1b}[2K").expect("a bar that is cleared");
    assert!(last.contains("proved 1 artifact, ") && !last.contains("verifying"), "{last:?}");
}
