//! Where the tars go: which folder, and who reads it.

use camino::{Utf8Path, Utf8PathBuf};

use super::presets::{Preset, under};
use crate::model::error::{Error, Result};

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// `--containerd-dir` alone: Canonical Kubernetes.
    Default,
    /// `--containerd-dir DIR`.
    Folder(Utf8PathBuf),
    /// `--preset NAME`.
    Preset(Preset),
}

/// Where the tars go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The folder.
    pub(super) folder: Utf8PathBuf,
    /// Where unfinished tars stand.
    pub(super) staging: Utf8PathBuf,
    /// Who reads the folder, where that is known.
    pub(super) preset: Option<Preset>,
    /// What is odd about it.
    pub(super) warning: Option<String>,
}

/// Finds the folder and who reads it on the host whose files are under `root`.
///
/// Errors: [`Error::Usage`] where DIR is a bundle, where the folder belongs to a distribution that is not on this host
/// while another one is, and where it belongs to one that is not on this host, is not there and was not typed.
pub(super) fn find(destination: &Destination, root: &Utf8Path) -> Result<Place> {
    let preset = match destination {
        Destination::Default => Some(Preset::K8sSnap),
        Destination::Preset(preset) => Some(*preset),
        Destination::Folder(folder) => {
            refuse_bundle(folder)?;
            Preset::ALL.into_iter().find(|preset| same(folder, &under(root, preset.folder())))
        }
    };
    let folder = match (destination, preset) {
        (Destination::Folder(folder), _) => folder.clone(),
        (_, preset) => under(root, preset.unwrap_or(Preset::K8sSnap).folder()),
    };
    let others: Vec<Preset> =
        Preset::ALL.into_iter().filter(|other| Some(*other) != preset && other.is_installed(root)).collect();
    let is_typed = matches!(destination, Destination::Folder(_));
    let warning = match (preset, others.first()) {
        (Some(preset), _) if preset.is_installed(root) => None,
        (Some(preset), Some(other)) => return Err(another(preset, *other)),
        (Some(preset), None) if !is_typed && !folder.is_dir() => return Err(nobody(preset)),
        (Some(preset), None) => {
            Some(format!("nothing on this host reads `{folder}` yet: {} is not installed", preset.name()))
        }
        (None, Some(other)) => Some(format!(
            "nothing on this host reads `{folder}`: {} is installed here and reads `{}` (`--preset {}`)",
            other.name(),
            other.folder(),
            other.word()
        )),
        (None, None) => Some(format!("nothing on this host reads `{folder}`")),
    };
    let staging = match folder.parent().filter(|_| preset.is_some_and(Preset::takes_any_name)) {
        Some(parent) => parent.to_owned(),
        None => folder.clone(),
    };
    Ok(Place { folder, staging, preset, warning })
}

fn another(wanted: Preset, there: Preset) -> Error {
    Error::usage(
        format!(
            "`{}` belongs to {}, which is not installed here; {} is, and reads `{}`",
            wanted.folder(),
            wanted.name(),
            there.name(),
            there.folder(),
        ),
        Some(&format!("use `--preset {}`", there.word())),
    )
}

fn nobody(wanted: Preset) -> Error {
    let (name, folder) = (wanted.name(), wanted.folder());
    let others: Vec<&str> =
        Preset::ALL.into_iter().filter(|preset| *preset != wanted).map(Preset::word).collect();
    Error::usage(
        format!("`{folder}` is not there, and {name} is not installed here"),
        Some(&format!(
            "name what is with `--preset {}`; where {name} is still to come, `--containerd-dir {folder}` makes its \
             folder",
            others.join("|"),
        )),
    )
}

/// `--containerd-dir site.tar` reads the bundle as the folder.
fn refuse_bundle(folder: &Utf8Path) -> Result<()> {
    let is_bundle = folder.is_file() || (folder.extension() == Some("tar") && !folder.is_dir());
    if !is_bundle {
        return Ok(());
    }
    Err(Error::usage(
        format!("`{folder}` is taken as the folder of `--containerd-dir`, and looks like a bundle"),
        Some(&format!(
            "run `airgap-bundle sideload {folder} --containerd-dir`, or `airgap-bundle sideload --containerd-dir={} {folder}`",
            Preset::K8sSnap.folder()
        )),
    ))
}

/// Compares two folders by name and, where both are there, by where their links lead.
fn same(a: &Utf8Path, b: &Utf8Path) -> bool {
    a.components().eq(b.components())
        || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(folders: &[&str]) -> (tempfile::TempDir, Utf8PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::try_from(root.path().to_owned()).unwrap();
        for folder in folders {
            std::fs::create_dir_all(path.join(folder)).unwrap();
        }
        (root, path)
    }

    #[test]
    fn the_folder_of_what_is_installed_is_taken() {
        let (_held, root) = host(&["snap/k8s/current"]);
        let place = find(&Destination::Default, &root).unwrap();
        assert_eq!(place.folder, root.join("var/snap/k8s/common/images"));
        assert_eq!((place.staging, place.preset, place.warning), (place.folder, Some(Preset::K8sSnap), None));
        let typed = find(&Destination::Folder(root.join("var/snap/k8s/common/images/")), &root).unwrap();
        assert_eq!(typed.preset, Some(Preset::K8sSnap));
    }

    #[test]
    fn the_folder_of_another_is_refused() {
        // Its folder is there, as this program would make it.
        let (_held, root) = host(&["var/lib/rancher/k3s/data/current", "var/snap/k8s/common/images"]);
        let typed = Destination::Folder(root.join("var/snap/k8s/common/images"));
        for destination in [Destination::Default, Destination::Preset(Preset::Microk8s), typed] {
            let error = find(&destination, &root).unwrap_err();
            assert_eq!((error.exit_code(), error.hint()), (2, Some("use `--preset k3s`")), "{error:?}");
        }
        assert!(find(&Destination::Preset(Preset::K3s), &root).unwrap().warning.is_none());
        // A folder that belongs to none may be a stick, or a containerd of one's own.
        let elsewhere = find(&Destination::Folder(root.join("stick")), &root).unwrap();
        assert!(elsewhere.warning.unwrap().ends_with(
            "K3s is installed here and reads `/var/lib/rancher/k3s/agent/images` (`--preset k3s`)"
        ));
    }

    #[test]
    fn a_folder_that_nobody_reads_is_made_only_where_it_is_typed() {
        let (_held, root) = host(&[]);
        for destination in [Destination::Default, Destination::Preset(Preset::Rke2)] {
            let error = find(&destination, &root).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains("is not there, and "), "{error}");
        }
        assert_eq!(
            find(&Destination::Default, &root).unwrap_err().hint(),
            Some(
                "name what is with `--preset microk8s|k3s|rke2|k0s`; where Canonical Kubernetes is still to come, \
                 `--containerd-dir /var/snap/k8s/common/images` makes its folder"
            )
        );
        let place = find(&Destination::Folder(root.join("var/snap/k8s/common/images")), &root).unwrap();
        assert!(place.warning.unwrap().ends_with("yet: Canonical Kubernetes is not installed"));
        let place = find(&Destination::Folder("/elsewhere".into()), &root).unwrap();
        assert_eq!(place.warning.as_deref(), Some("nothing on this host reads `/elsewhere`"));
    }

    #[test]
    fn a_folder_of_its_own_is_no_installation() {
        for preset in Preset::ALL {
            let (_held, root) = host(&[preset.folder().as_str().trim_start_matches('/')]);
            assert!(!preset.is_installed(&root));
            let place = find(&Destination::Preset(preset), &root).unwrap();
            assert!(place.warning.unwrap().contains(" is not installed"));
        }
    }

    #[test]
    fn unfinished_tars_stand_outside_where_any_name_is_taken() {
        let (_held, root) = host(&["var/lib/k0s/bin"]);
        let place = find(&Destination::Preset(Preset::K0s), &root).unwrap();
        assert_eq!(place.staging, root.join("var/lib/k0s"));
    }

    #[test]
    fn a_folder_may_be_called_like_a_bundle() {
        let (_held, root) = host(&["real.tar"]);
        assert!(find(&Destination::Folder(root.join("real.tar")), &root).is_ok());
        assert!(find(&Destination::Folder(root.join("other.tar")), &root).is_err());
    }

    #[test]
    fn a_bundle_is_no_folder() {
        let error = find(&Destination::Folder("site.tar".into()), "/".into()).unwrap_err();
        assert_eq!(
            error.hint(),
            Some(
                "run `airgap-bundle sideload site.tar --containerd-dir`, or `airgap-bundle sideload --containerd-dir=/var/snap/k8s/common/images site.tar`"
            )
        );
    }
}
