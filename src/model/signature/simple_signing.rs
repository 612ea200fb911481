//! Simple signing (containers/image, `docs/containers-signature.5.md`), as cosign writes it into the layers of an artifact
//! (cosign, `specs/SIGNATURE_SPEC.md`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::PublicKey;
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;

/// Media type of what is signed.
pub(super) const MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The annotation that holds the signature, in base64.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// What `critical.type` says.
const TYPE: &str = "cosign container image signature";

#[derive(Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    #[serde(rename = "type")]
    kind: String,
    image: Image,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: Digest,
}

/// Returns whether a layer is a signature of `key` on `subject`. What is signed is looked at only once the signature is
/// right.
pub(super) fn holds(layer: &Descriptor, bytes: &[u8], key: &PublicKey, subject: &Digest) -> bool {
    let signature = layer.annotations.get(SIGNATURE).and_then(|text| STANDARD.decode(text.trim()).ok());
    if !signature.is_some_and(|signature| key.has_signed(bytes, &signature)) {
        return false;
    }
    serde_json::from_slice::<Payload>(bytes)
        .is_ok_and(|payload| payload.critical.kind == TYPE && payload.critical.image.digest == *subject)
}
