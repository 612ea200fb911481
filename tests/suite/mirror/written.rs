//! Nothing lies on a disk in between.

use std::process::Command;

use crate::fixture::image;

use super::place::{fill, server, site};

/// No file can grow by a byte, and everything passes all the same: less than 10 MB for 1 GB is nothing at all here.
#[test]
fn not_a_byte_is_written_to_a_file() {
    let (from, to) = (server(), server());
    let one = image(1, 3, 16 << 20);
    fill(&from, &[("a/one:1", &one)]);
    let site = site(&from, &to, &["a/one:1"]);
    let mirror = site.command("mirror --list list.txt --to TO");
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -f 0 && exec \"$0\" \"$@\""])
        .arg(mirror.get_program())
        .args(mirror.get_args());
    limited.current_dir(site.root()).env_clear();
    limited.envs(mirror.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = limited.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    one.assert_in(to.registry(), "a/one", "1");
    // The limit is one: nothing else can be written either.
    let touched =
        Command::new("sh").args(["-c", "ulimit -f 0 && echo x > file"]).current_dir(site.root()).output();
    assert!(!touched.unwrap().status.success());
}
