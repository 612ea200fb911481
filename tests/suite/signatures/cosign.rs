//! What cosign 3.1.3 has signed, in both forms, with a key of each kind: `made_by_cosign/` holds its files.
//!
//! `cosign sign --key KEY --tlog-upload=false --use-signing-config=false [--new-bundle-format=false] IMAGE` made them, each
//! with a fresh key that nobody has any more.

use airgap_bundle::model::descriptor::Descriptor;
use airgap_bundle::model::digest::Digest;
use airgap_bundle::model::manifest::Manifest;
use airgap_bundle::model::signature::{PublicKey, is_signature, signatures};

/// What was signed.
const SUBJECT: &str = "sha256:52dadf83bb3eef176ca70b9f924cea71fee8960cef59e42c4e9fcb219a9ea737";

/// Files of one kind of key.
struct Made {
    kind: &'static str,
    key: &'static [u8],
    /// The manifest of a signature in the older form.
    manifest: &'static [u8],
    /// Its layer.
    payload: &'static [u8],
    /// The layer of a signature in the newer form.
    bundle: &'static [u8],
}

macro_rules! made {
    ($kind:literal) => {
        Made {
            kind: $kind,
            key: include_bytes!(concat!("made_by_cosign/", $kind, ".pub")),
            manifest: include_bytes!(concat!("made_by_cosign/", $kind, ".sig.json")),
            payload: include_bytes!(concat!("made_by_cosign/", $kind, ".payload.json")),
            bundle: include_bytes!(concat!("made_by_cosign/", $kind, ".bundle.json")),
        }
    };
}

const ALL: [Made; 3] = [made!("ecdsa"), made!("ed25519"), made!("rsa")];

impl Made {
    fn key(&self) -> PublicKey {
        PublicKey::parse(self.kind, self.key).unwrap()
    }

    /// Returns both signatures, as layers with their bytes.
    fn layers(&self) -> [(Descriptor, &'static [u8]); 2] {
        let manifest = Manifest::parse("", self.manifest).unwrap();
        let older = signatures(&manifest).next().unwrap().clone();
        assert_eq!(older.digest, Digest::sha256(self.payload), "{}", self.kind);
        [
            (older, self.payload),
            (Descriptor::of("application/vnd.dev.sigstore.bundle.v0.3+json", self.bundle), self.bundle),
        ]
    }
}

#[test]
fn what_cosign_has_signed_holds() {
    let (subject, other) = (SUBJECT.parse().unwrap(), Digest::sha256(b"other"));
    for made in &ALL {
        for (layer, bytes) in made.layers() {
            assert!(is_signature(&layer, bytes, &made.key(), &subject), "{} {}", made.kind, layer.media_type);
            assert!(!is_signature(&layer, bytes, &made.key(), &other), "{} {}", made.kind, layer.media_type);
            for stranger in ALL.iter().filter(|stranger| stranger.kind != made.kind) {
                assert!(!is_signature(&layer, bytes, &stranger.key(), &subject), "{}", stranger.kind);
            }
        }
    }
}
