//! Ctrl-C and SIGTERM, wherever the program is.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use crate::fixture::{Pack, image};
use crate::site::Site;
use crate::tools::{command, run};

const SIGNALS: [(&str, i32); 2] = [("INT", 130), ("TERM", 143)];

/// Starts a command line with a stdin that nobody ends, and waits until it listens for signals.
fn listening(site: &Site, line: &str) -> Child {
    let mut child = site
        .command(line)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !listens(child.id()) {
        assert_eq!(child.try_wait().unwrap(), None, "{line} has ended");
        thread::yield_now();
    }
    child
}

/// Returns whether a process catches SIGINT and SIGTERM, the signals 2 and 15 (proc(5), `SigCgt`).
fn listens(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    [2, 15].iter().all(|signal| caught & (1 << (signal - 1)) != 0)
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn signals_are_heard_while_stdin_is_waited_for() {
    let pack = Pack::new().graph("q.io/a:1", &image(1, 1, 10));
    let site = Site::new().bytes("site.tar", &pack.tar());
    for line in ["export --list -", "import site.tar --to localhost:1 --username user --password-stdin"] {
        for (signal, code) in SIGNALS {
            let mut child = listening(&site, line);
            let stdin = child.stdin.take();
            send(signal, &child);
            let output = child.wait_with_output().unwrap();
            drop(stdin);
            assert_eq!(output.status.code(), Some(code), "{line}: {output:?}");
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(said.contains("interrupted"), "{line}: {said}");
        }
    }
}

#[test]
fn commands_that_read_a_bundle_end_at_a_signal_and_the_next_run_is_whole() {
    let pack =
        (0..40).fold(Pack::new(), |pack, n| pack.graph(&format!("q.io/n{n}:1"), &image(n, 2, 500_000)));
    let site = Site::new().bytes("site.tar", &pack.tar());
    for line in ["verify site.tar", "sideload site.tar --containerd-dir=images", "inspect site.tar"] {
        for (signal, code) in SIGNALS {
            let child = listening(&site, line);
            let begun = Instant::now();
            send(signal, &child);
            let output = child.wait_with_output().unwrap();
            // It may be quicker than the signal.
            let ended = output.status.code().unwrap();
            assert!(ended == code || ended == 0, "{line}: {output:?}");
            assert!(begun.elapsed().as_secs() < 10, "{line} took {:?} to end", begun.elapsed());
            let left = if site.path("images").exists() { site.files("images") } else { vec![] };
            assert!(!left.iter().any(|name| name.contains("/.")), "{left:?}");
        }
        site.run(line).any_stdout().any_stderr().code(0);
    }
    assert_eq!(site.files("images").len(), 40);
}

#[test]
fn a_pipe_is_no_bundle_and_is_not_waited_for() {
    let site = Site::new();
    run(command("mkfifo", site.root()).arg(site.path("pipe")));
    for line in ["verify pipe", "inspect pipe", "sideload pipe --containerd-dir=x", "extract pipe --to x"] {
        site.run(line)
            .stderr_holds("error: `pipe` is a pipe or a device, and a bundle is read at any place")
            .code(2);
    }
    site.run("verify /dev/zero").stderr_holds("error: `/dev/zero` is a pipe or a device").code(2);
}
