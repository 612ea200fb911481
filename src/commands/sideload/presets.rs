//! The importers that read a folder of image tars, and their habits.

use std::str::FromStr;

use camino::{Utf8Path, Utf8PathBuf};

/// A Kubernetes distribution that imports image tars from a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Canonical Kubernetes, the snap `k8s`.
    K8sSnap,
    /// The snap `microk8s`.
    Microk8s,
    /// K3s.
    K3s,
    /// RKE2.
    Rke2,
    /// k0s.
    K0s,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 5] = [Self::K8sSnap, Self::Microk8s, Self::K3s, Self::Rke2, Self::K0s];

    /// Returns the word after `--preset`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::K8sSnap => "k8s-snap",
            Self::Microk8s => "microk8s",
            Self::K3s => "k3s",
            Self::Rke2 => "rke2",
            Self::K0s => "k0s",
        }
    }

    /// Returns what people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::K8sSnap => "Canonical Kubernetes",
            Self::Microk8s => "MicroK8s",
            Self::K3s => "K3s",
            Self::Rke2 => "RKE2",
            Self::K0s => "k0s",
        }
    }

    /// Returns the folder that it imports from.
    pub fn folder(self) -> &'static Utf8Path {
        Utf8Path::new(match self {
            Self::K8sSnap => "/var/snap/k8s/common/images",
            Self::Microk8s => "/var/snap/microk8s/common/etc/sideload",
            Self::K3s => "/var/lib/rancher/k3s/agent/images",
            Self::Rke2 => "/var/lib/rancher/rke2/agent/images",
            Self::K0s => "/var/lib/k0s/images",
        })
    }

    /// Returns what only an installation leaves: its program, its unit, what it has unpacked when it first ran. The folder
    /// of images is none of them, and none is above it: this program makes that folder itself.
    const fn traces(self) -> &'static [&'static str] {
        match self {
            Self::K8sSnap => &["/snap/k8s/current", "/var/snap/k8s/current", "/snap/bin/k8s"],
            Self::Microk8s => &["/snap/microk8s/current", "/var/snap/microk8s/current", "/snap/bin/microk8s"],
            Self::K3s => &[
                "/usr/local/bin/k3s",
                "/usr/bin/k3s",
                "/opt/bin/k3s",
                "/opt/k3s/bin/k3s",
                "/etc/systemd/system/k3s.service",
                "/etc/systemd/system/k3s-agent.service",
                "/etc/init.d/k3s",
                "/var/lib/rancher/k3s/data",
            ],
            Self::Rke2 => &[
                "/usr/local/bin/rke2",
                "/usr/bin/rke2",
                "/opt/rke2/bin/rke2",
                "/usr/local/lib/systemd/system/rke2-server.service",
                "/usr/local/lib/systemd/system/rke2-agent.service",
                "/usr/lib/systemd/system/rke2-server.service",
                "/usr/lib/systemd/system/rke2-agent.service",
                "/var/lib/rancher/rke2/data",
            ],
            Self::K0s => &[
                "/usr/local/bin/k0s",
                "/usr/bin/k0s",
                "/etc/systemd/system/k0sworker.service",
                "/etc/systemd/system/k0scontroller.service",
                "/var/lib/k0s/bin",
            ],
        }
    }

    /// Returns whether it is installed on the host whose files are under `root`.
    pub fn is_installed(self, root: &Utf8Path) -> bool {
        // A link that leads nowhere from here counts: in a mounted root it is absolute.
        self.traces().iter().any(|trace| under(root, Utf8Path::new(trace)).symlink_metadata().is_ok())
    }

    /// Returns whether it may import every platform that an index names, so that an index with any manifest missing
    /// fails there (older K3s and RKE2).
    pub const fn takes_every_platform(self) -> bool {
        matches!(self, Self::K3s | Self::Rke2)
    }

    /// Returns whether it imports files of any name, so that unfinished ones must stand elsewhere.
    pub const fn takes_any_name(self) -> bool {
        matches!(self, Self::K0s)
    }

    /// Returns what to do after tars have come, as a whole line.
    pub const fn next(self) -> &'static str {
        match self {
            Self::K8sSnap => {
                "next: run `snap restart k8s.containerd`: Canonical Kubernetes imports images when its containerd starts"
            }
            Self::Microk8s => "next: nothing to restart: MicroK8s imports new tars within seconds",
            Self::K3s => {
                "next: nothing to restart: K3s imports new tars within seconds, and all of them when it starts (`systemctl restart k3s`, on agents `k3s-agent`)"
            }
            Self::Rke2 => {
                "next: nothing to restart: RKE2 imports new tars within seconds, and all of them when it starts (`systemctl restart rke2-server`, on agents `rke2-agent`)"
            }
            Self::K0s => {
                "next: run `systemctl restart k0sworker` (on a controller that runs pods `k0scontroller`): k0s imports all tars when it starts"
            }
        }
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|preset| preset.word() == text).ok_or_else(|| {
            let words: Vec<&str> = Self::ALL.into_iter().map(Self::word).collect();
            format!("expected one of {}", words.join(", "))
        })
    }
}

/// Returns an absolute path as it is found under another root.
pub(super) fn under(root: &Utf8Path, path: &Utf8Path) -> Utf8PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for preset in Preset::ALL {
            assert_eq!(preset.word().parse(), Ok(preset));
            let is_above = |trace: &&&str| preset.folder().starts_with(trace);
            assert_eq!(preset.traces().iter().find(is_above), None);
        }
        assert_eq!(
            "k8s".parse::<Preset>(),
            Err("expected one of k8s-snap, microk8s, k3s, rke2, k0s".to_owned())
        );
    }
}
