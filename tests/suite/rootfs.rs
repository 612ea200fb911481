//! A real root file system: a minimal Debian, made by debootstrap and packed by umoci.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::fixture::Graph;
use crate::tools::{find, run};

/// Makes it in `work` in the current folder: from the mirror that this machine's apt uses, of the release that it runs.
const MAKE: &str = r#"
set -euo pipefail
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
codename=$(. /etc/os-release; echo "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk -v codename="$codename" '$1 == codename && $2 == "main" { print $3; exit }')
[ -n "$mirror" ] || { echo "apt knows no mirror of $codename: run apt-get update" >&2; exit 1; }
umoci init --layout layout
umoci new --image layout:1
umoci unpack --image layout:1 work
rmdir work/rootfs
debootstrap --variant=minbase "$codename" work/rootfs "$mirror"
rm -f work/rootfs/var/cache/apt/archives/*.deb
umoci repack --image layout:1 work
rm -rf work
"#;

/// Returns the image. It is made once, in half a minute, and kept in the target folder for the next run of the tests.
pub(crate) fn debian() -> Graph {
    static LAYOUT: OnceLock<PathBuf> = OnceLock::new();
    let layout = LAYOUT.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let kept = target.join("debian-minbase");
        if !kept.join("index.json").is_file() {
            let folder = tempfile::tempdir_in(target).unwrap();
            let mut bash = Command::new(find("bash"));
            run(bash.args(["-c", MAKE]).current_dir(folder.path()).env("LC_ALL", "C"));
            // Its name says that it is whole. Another run may have been quicker.
            if fs::rename(folder.path().join("layout"), &kept).is_err() {
                assert!(kept.join("index.json").is_file());
            }
        }
        kept
    });
    Graph::read_layout(layout)
}
