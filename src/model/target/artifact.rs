//! Where an artifact of a bundle lands.

use super::{Layout, Origin, Target, TargetError};
use crate::model::artifact::Kind;
use crate::model::contents::Artifact;
use crate::model::list::Rename;
use crate::model::reference::Reference;
use crate::model::snap::SnapReference;

impl Target {
    /// Returns where an artifact of a bundle lands below `prefix` (empty for none).
    pub fn of_artifact(prefix: &str, layout: Layout, artifact: &Artifact) -> Result<Self, TargetError> {
        let name = artifact.reference.as_str();
        let rename = artifact.wanted.as_deref().map(Rename::of);
        let reference: Reference;
        let origin = match artifact.kind {
            Kind::File | Kind::Assert => Origin::File { name },
            Kind::Snap => {
                let SnapReference { name, revision } =
                    SnapReference::parse(name).ok_or_else(|| TargetError::Repository(name.to_owned()))?;
                Origin::Snap { name, revision }
            }
            Kind::Image | Kind::Chart | Kind::Artifact => {
                reference = name.parse().map_err(|_| TargetError::Repository(name.to_owned()))?;
                Origin::Registry(&reference)
            }
        };
        Self::of(prefix, layout, origin, &artifact.digest, rename.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Digest;

    #[test]
    fn artifacts_land_where_their_kind_and_list_say() {
        let digest = Digest::sha256(b"root");
        let short = digest.short();
        for (kind, reference, wanted, expected) in [
            (Kind::Image, "docker.io/library/nginx:1".to_owned(), None, "mirror/library/nginx:1".to_owned()),
            (Kind::Chart, "quay.io/a/b:1".to_owned(), Some("c/d"), "mirror/c/d:1".to_owned()),
            (Kind::Artifact, "quay.io/a/b:1".to_owned(), Some("c:2"), "mirror/c:2".to_owned()),
            (Kind::Image, format!("quay.io/a/b@{digest}"), None, format!("mirror/a/b:digest-{short}")),
            (Kind::File, "a/Set Up.sh".to_owned(), None, format!("mirror/files/a-set-up.sh:digest-{short}")),
            (Kind::Snap, "k8s:12".to_owned(), None, "mirror/snaps/k8s:12".to_owned()),
            (Kind::Snap, "k8s:12".to_owned(), Some("c/d"), "mirror/c/d:12".to_owned()),
            (Kind::Assert, "b.assert".to_owned(), None, format!("mirror/files/b.assert:digest-{short}")),
        ] {
            let artifact =
                Artifact { kind, wanted: wanted.map(str::to_owned), ..Artifact::image(&reference, digest) };
            let target = Target::of_artifact("mirror", Layout::Path, &artifact).unwrap();
            assert_eq!(target.to_string(), expected);
        }
    }
}
