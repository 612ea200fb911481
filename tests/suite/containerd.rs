//! A containerd of the test's own: its root, state and socket are in a temporary folder, and it ends with the test.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::tools::{find, run};

/// How long containerd may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running containerd.
pub(crate) struct Containerd {
    folder: TempDir,
    process: Child,
}

impl Containerd {
    /// Starts one and waits until it answers.
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("containerd-").tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let config = format!(
            "version = 2\nroot = {:?}\nstate = {:?}\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
             [grpc]\naddress = {:?}\n[ttrpc]\naddress = {:?}\n",
            at("root"),
            at("state"),
            at("socket"),
            at("ttrpc")
        );
        std::fs::write(folder.path().join("config.toml"), config).unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let process = Command::new(find("containerd"))
            .args(["--config", &at("config.toml"), "--log-level", "warn"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut containerd = Self { folder, process };
        let begun = Instant::now();
        while !containerd.ctr(&["version"]).output().unwrap().status.success() {
            let log = || std::fs::read_to_string(containerd.folder.path().join("log")).unwrap();
            assert!(begun.elapsed() < PATIENCE, "containerd does not answer:\n{}", log());
            assert!(containerd.process.try_wait().unwrap().is_none(), "containerd has ended:\n{}", log());
        }
        containerd
    }

    /// Makes a call of `ctr` in the namespace of Kubernetes.
    pub(crate) fn ctr(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(find("ctr"));
        command.arg("--address").arg(self.folder.path().join("socket")).args(["--namespace", "k8s.io"]);
        command.args(arguments);
        command
    }

    /// Imports a tar as the importer of Canonical Kubernetes does: the images are not unpacked.
    pub(crate) fn import(&self, tar: &Path) {
        run(self.ctr(&["images", "import", "--no-unpack"]).arg(tar));
    }

    /// Returns every image: its name, its digest, and whether all of it is there.
    pub(crate) fn images(&self) -> Vec<(String, String, bool)> {
        let table = run(&mut self.ctr(&["images", "check"]));
        let mut images: Vec<_> = table
            .lines()
            .skip(1)
            .map(|line| {
                let mut words = line.split_whitespace();
                let (name, _type, digest) = (words.next().unwrap(), words.next(), words.next().unwrap());
                (name.to_owned(), digest.to_owned(), words.next() == Some("complete"))
            })
            .collect();
        images.sort();
        images
    }

    /// Unpacks an image, layer after layer, and mounts it.
    pub(crate) fn mount(&self, name: &str) -> Mounted<'_> {
        let mounted = Mounted { containerd: self, folder: tempfile::tempdir().unwrap() };
        // The native snapshotter copies, and so works where overlays cannot be mounted.
        run(self.ctr(&["images", "mount", "--snapshotter", "native", name]).arg(mounted.path()));
        mounted
    }
}

/// A mounted image, unmounted when it is dropped.
pub(crate) struct Mounted<'a> {
    containerd: &'a Containerd,
    folder: TempDir,
}

impl Mounted<'_> {
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let unmounted = self.containerd.ctr(&["images", "unmount"]).arg(self.path()).output();
        assert!(
            unmounted.is_ok_and(|output| output.status.success()),
            "{} stays mounted",
            self.path().display()
        );
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        // It may have ended by itself, and then the test has failed already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
