//! Media types that the program must know: what is a manifest, what is an index, what is a chart.

/// OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Docker image manifest, version 2 schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker manifest list.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// OCI artifact manifest of the withdrawn 1.1 release candidates; still found in registries.
pub const OCI_ARTIFACT: &str = "application/vnd.oci.artifact.manifest.v1+json";
/// Docker schema 1, unsigned: it has no blob sizes and cannot be carried byte for byte.
pub const DOCKER_SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+json";
/// Docker schema 1, signed.
pub const DOCKER_SCHEMA1_SIGNED: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
/// OCI image config.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Docker image config.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// The empty JSON config `{}` of OCI 1.1.
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// Config of a Helm chart as `helm push` writes it.
pub const HELM_CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
/// Content of a Helm chart: the `.tgz`.
pub const HELM_CONTENT: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// Artifact type of a plain file in a bundle.
pub const FILE: &str = "application/vnd.airgap-bundle.file.v1";
/// Artifact type of a file of assertions in a bundle.
pub const ASSERT: &str = "application/vnd.airgap-bundle.assert.v1";
/// Artifact type of a snap with its assertions in a bundle.
pub const SNAP: &str = "application/vnd.airgap-bundle.snap.v1";
/// A snap: a squashfs image.
pub const SQUASHFS: &str = "application/vnd.snapcraft.snap";
/// Artifact type of the receipt that an import leaves at the destination.
pub const RECEIPT: &str = "application/vnd.airgap-bundle.receipt.v1";
/// A layer of unknown bytes.
pub const OCTET_STREAM: &str = "application/octet-stream";
/// Snap assertions.
pub const ASSERTION: &str = "application/x.ubuntu.assertion";

/// Every manifest media type that a registry may be asked for, in the order of the `Accept` header.
pub const MANIFESTS: [&str; 5] = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST, OCI_ARTIFACT];

/// Returns whether a descriptor of this media type points at a manifest or an index.
pub fn is_manifest(media_type: &str) -> bool {
    MANIFESTS.contains(&media_type)
}

/// Returns whether this media type is an index: a manifest whose children are manifests.
pub fn is_index(media_type: &str) -> bool {
    matches!(media_type, OCI_INDEX | DOCKER_LIST)
}

/// Returns whether a layer of this media type may be missing from registries ("foreign" in Docker's words).
pub fn is_non_distributable(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.oci.image.layer.nondistributable.v1.")
        || media_type.starts_with("application/vnd.docker.image.rootfs.foreign.")
}
