//! A layer of 1 GB from registry to registry, of which nothing lies on a disk in between.

use std::fs;
use std::process::Command;

use airgap_bundle::stores::registry::server::{Options, Server};

use crate::huge::{registry, zeros};
use crate::site::Site;

const SIZE: u64 = 1_000_000_000;

/// 10 MB would do; no file can grow by a byte here.
#[test]
fn a_gigabyte_is_mirrored_with_nothing_written_to_a_file() {
    // On the disk: it would fill the memory that other tests work in.
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (from, to) = (disk.path().join("from"), disk.path().join("to"));
    let layer = zeros(SIZE);
    let (source, digest) = registry(&from, layer, SIZE);
    fs::create_dir(&to).unwrap();
    let target = Server::start(Options::folder(&to).unwrap()).unwrap();
    let site =
        Site::new().named("FROM", source.host()).named("TO", target.host()).file("list.txt", "FROM/huge:1\n");
    let mirror = site.command("mirror --list list.txt --to TO");
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 0 && exec \"$0\" \"$@\""]).arg(mirror.get_program());
    limited.args(mirror.get_args()).current_dir(site.root()).env_clear();
    limited.envs(mirror.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = limited.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(target.registry().manifest("huge", "1").unwrap().digest, digest);
    assert_eq!(fs::metadata(to.join("blobs/sha256").join(layer.hex())).unwrap().len(), SIZE);
}
