//! Signatures of manifests as cosign makes them with a key, and whether they hold.
//!
//! There are two forms. Simple signing (cosign 1 and 2): a layer holds what is signed, and its annotation the signature.
//! The sigstore bundle (cosign 3): a layer holds both, in one JSON document. Signatures without a key, of a certificate
//! that was valid for minutes, need the trust root and the log of a sigstore instance, and are not judged here.

mod key;
mod sigstore_bundle;
mod simple_signing;

use super::descriptor::Descriptor;
use super::digest::Digest;
use super::manifest::Manifest;
pub use key::PublicKey;

/// The longest layer that is looked at as a signature: 4 MiB.
pub const MAX_SIGNATURE: u64 = 4 << 20;

/// The most signatures of one manifest that are looked at.
pub const MAX_SIGNATURES: usize = 1000;

/// Returns the layers of a manifest that may hold signatures of others.
pub fn signatures(manifest: &Manifest) -> impl Iterator<Item = &Descriptor> {
    let is_one = |layer: &&Descriptor| Form::of(&layer.media_type).is_some() && layer.size <= MAX_SIGNATURE;
    manifest.layers.iter().filter(is_one).take(MAX_SIGNATURES)
}

/// Returns whether `layer`, which holds `bytes`, is a signature of `key` on the manifest `subject`.
pub fn is_signature(layer: &Descriptor, bytes: &[u8], key: &PublicKey, subject: &Digest) -> bool {
    match Form::of(&layer.media_type) {
        Some(Form::SimpleSigning) => simple_signing::holds(layer, bytes, key, subject),
        Some(Form::SigstoreBundle) => sigstore_bundle::holds(bytes, key, subject),
        None => false,
    }
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    SimpleSigning,
    SigstoreBundle,
}

impl Form {
    fn of(media_type: &str) -> Option<Self> {
        match media_type {
            simple_signing::MEDIA_TYPE => Some(Self::SimpleSigning),
            other if sigstore_bundle::is_media_type(other) => Some(Self::SigstoreBundle),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
