//! A public key that signatures are checked with.

use std::fmt;

use ed25519_dalek::{Signature, VerifyingKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};
use sha2::{Digest as _, Sha512};
use webpki::RawPublicKeyEntity;
use webpki::ring::{ECDSA_P256_SHA256, ED25519, RSA_PKCS1_2048_8192_SHA256};

use crate::model::error::{Error, Result};

/// What cosign makes signatures with, where it is not told otherwise: SHA-256, and of RSA the padding of PKCS #1 v1.5.
const ALGORITHMS: [&dyn SignatureVerificationAlgorithm; 3] =
    [ECDSA_P256_SHA256, ED25519, RSA_PKCS1_2048_8192_SHA256];

/// What stands in front of the 32 bytes of an Ed25519 key (RFC 8410, section 4).
const ED25519_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A public key: ECDSA P-256, Ed25519, or RSA of 2048 to 8192 bits.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    place: String,
    der: SubjectPublicKeyInfoDer<'static>,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.place).finish()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.place)
    }
}

impl PublicKey {
    /// Reads a PEM file with a `PUBLIC KEY` (RFC 7468, section 13), as `cosign generate-key-pair` writes it. `place` names
    /// the file in messages.
    ///
    /// Errors: [`Error::Usage`], which never repeats what the file holds.
    pub fn parse(place: &str, pem: &[u8]) -> Result<Self> {
        let text = String::from_utf8_lossy(pem);
        let refused = |why: &str, hint: &str| Error::usage(format!("key `{place}`: {why}"), Some(hint));
        let public = "name the public key; for cosign's that is `cosign.pub`";
        if text.contains("PRIVATE KEY-----") {
            return Err(refused("it is a private key, which stays with who signs", public));
        }
        if text.contains("BEGIN CERTIFICATE-----") {
            let hint = "write its public key into a file: `openssl x509 -in FILE -pubkey -noout`";
            return Err(refused("it is a certificate", hint));
        }
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem)
            .map_err(|_| refused("it holds no `PUBLIC KEY` in PEM", public))?;
        let key = Self { place: place.to_owned(), der };
        if !key.is_supported() {
            return Err(refused(
                "it is of another kind than ECDSA P-256, Ed25519 and RSA of 2048 bits and more",
                public,
            ));
        }
        Ok(key)
    }

    /// Returns whether `signature` is this key's of `message`. Signatures are encoded as each algorithm usually is: of
    /// ECDSA as ASN.1 (RFC 3279, section 2.2.3). An Ed25519 key may have signed the message (RFC 8032, Ed25519), as cosign 1
    /// and 2 do, or its SHA-512 (Ed25519ph), as cosign 3 does.
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(key) = RawPublicKeyEntity::try_from(&self.der) else { return false };
        ALGORITHMS.iter().any(|algorithm| key.verify_signature(*algorithm, message, signature).is_ok())
            || self.has_signed_hash(message, signature).is_some()
    }

    fn has_signed_hash(&self, message: &[u8], signature: &[u8]) -> Option<()> {
        let key: &[u8; 32] = self.der.strip_prefix(&ED25519_PREFIX)?.try_into().ok()?;
        let key = VerifyingKey::from_bytes(key).ok()?;
        let signature = Signature::from_slice(signature).ok()?;
        key.verify_prehashed(Sha512::new_with_prefix(message), None, &signature).ok()
    }

    /// Returns whether some algorithm is for a key of this kind: every signature is wrong here, but not for that reason.
    fn is_supported(&self) -> bool {
        let Ok(key) = RawPublicKeyEntity::try_from(&self.der) else { return false };
        ALGORITHMS.iter().any(|algorithm| {
            !matches!(
                key.verify_signature(*algorithm, b"", b""),
                Err(webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_))
            )
        })
    }
}
