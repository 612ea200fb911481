//! Content digests: the only two algorithms that the OCI image spec registers, and the one by which the snap store names files.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;

/// A digest algorithm: those of the OCI image spec, section "Registered algorithms", and that of the snap store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256: 32 bytes.
    Sha256,
    /// SHA-512: 64 bytes.
    Sha512,
    /// SHA3-384: 48 bytes. No OCI document may name content by it.
    Sha3_384,
}

impl Algorithm {
    /// Returns the name before the colon: `sha256`, `sha512` or `sha3-384`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::Sha3_384 => "sha3-384",
        }
    }
}

/// The digest of some bytes, `ALGORITHM:HEX` when printed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Digest {
    /// A SHA-256 digest.
    Sha256([u8; 32]),
    /// A SHA-512 digest.
    Sha512([u8; 64]),
    /// A SHA3-384 digest, which is not parsed: it comes from the snap store, or out of a [`Hasher`].
    Sha3_384([u8; 48]),
}

/// Says why a text is not a [`Digest`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// There is no colon.
    #[error("`{0}` is not a digest: expected `sha256:` and 64 hexadecimal digits")]
    Shape(String),
    /// The algorithm is neither sha256 nor sha512.
    #[error("digest algorithm `{0}` is not supported: expected `sha256` or `sha512`")]
    Algorithm(String),
    /// The part after the colon has the wrong length or other characters than `0-9a-f`.
    #[error(
        "`{text}` is not a digest: expected {expected} lower-case hexadecimal digits after `{algorithm}:`"
    )]
    Hex {
        /// What was given.
        text: String,
        /// The algorithm named in it.
        algorithm: &'static str,
        /// How many digits that algorithm has.
        expected: usize,
    },
}

impl Digest {
    /// Returns the sha256 of `bytes`.
    pub fn sha256(bytes: &[u8]) -> Self {
        Self::Sha256(sha2::Sha256::digest(bytes).into())
    }

    /// Returns the algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha512(_) => Algorithm::Sha512,
            Self::Sha3_384(_) => Algorithm::Sha3_384,
        }
    }

    /// Returns the digest that holds the place of this one in a plan until the sha256 of the same bytes is known: of a
    /// SHA3-384 one that no content has, of any other itself.
    #[must_use]
    pub fn stand_in(&self) -> Self {
        match self {
            Self::Sha3_384(bytes) => Self::sha256(&[b"dev.airgap-bundle.late\0".as_slice(), bytes].concat()),
            Self::Sha256(_) | Self::Sha512(_) => *self,
        }
    }

    /// Returns the raw bytes, 32, 64 or 48.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha512(bytes) => bytes,
            Self::Sha3_384(bytes) => bytes,
        }
    }

    /// Returns the lower-case hexadecimal digits, 64, 128 or 96.
    pub fn hex(&self) -> String {
        hex(self.bytes())
    }

    /// Returns the first 16 hexadecimal digits, as used in tags such as `digest-0123456789abcdef`.
    pub fn short(&self) -> String {
        self.hex().chars().take(16).collect()
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Returns the lower-case hexadecimal digits of bytes.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Reads as many lower-case hexadecimal digits as the bytes need.
pub(super) fn unhex<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    if hex.len() != N * 2 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(out)
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (algorithm, hex) = text.split_once(':').ok_or_else(|| DigestError::Shape(text.to_owned()))?;
        let bad = |algorithm, expected| DigestError::Hex { text: text.to_owned(), algorithm, expected };
        match algorithm {
            "sha256" => unhex(hex).map(Self::Sha256).ok_or_else(|| bad("sha256", 64)),
            "sha512" => unhex(hex).map(Self::Sha512).ok_or_else(|| bad("sha512", 128)),
            other => Err(DigestError::Algorithm(other.to_owned())),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm().name(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Computes a [`Digest`] over bytes that arrive in pieces.
#[derive(Clone, Debug)]
pub enum Hasher {
    /// A SHA-256 in the making.
    Sha256(sha2::Sha256),
    /// A SHA-512 in the making.
    Sha512(sha2::Sha512),
    /// A SHA3-384 in the making, and beside it the SHA-256 that nobody knows yet, where it was not taken out.
    Sha3_384(sha3::Sha3_384, Option<sha2::Sha256>),
}

impl Hasher {
    /// Starts a digest of no bytes.
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(sha2::Sha512::new()),
            Algorithm::Sha3_384 => Self::Sha3_384(sha3::Sha3_384::new(), Some(sha2::Sha256::new())),
        }
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
            Self::Sha3_384(hasher, beside) => {
                hasher.update(bytes);
                if let Some(beside) = beside {
                    beside.update(bytes);
                }
            }
        }
    }

    /// Returns the SHA-256 of everything added, where it is made beside a SHA3-384.
    pub fn beside(&self) -> Option<Digest> {
        match self {
            Self::Sha3_384(_, Some(beside)) => Some(Digest::Sha256(beside.clone().finalize().into())),
            Self::Sha3_384(_, None) | Self::Sha256(_) | Self::Sha512(_) => None,
        }
    }

    /// Takes the SHA-256 out that is made beside a SHA3-384, for another core to go on with over the same bytes.
    pub fn take_beside(&mut self) -> Option<Self> {
        match self {
            Self::Sha3_384(_, beside) => beside.take().map(Self::Sha256),
            Self::Sha256(_) | Self::Sha512(_) => None,
        }
    }

    /// Puts back what [`Hasher::take_beside`] took out; anything else is passed over.
    pub fn put_beside(&mut self, taken: Self) {
        if let (Self::Sha3_384(_, beside), Self::Sha256(taken)) = (self, taken) {
            *beside = Some(taken);
        }
    }

    /// Returns the digest of everything added.
    pub fn finish(self) -> Digest {
        match self {
            Self::Sha256(hasher) => Digest::Sha256(hasher.finalize().into()),
            Self::Sha512(hasher) => Digest::Sha512(hasher.finalize().into()),
            Self::Sha3_384(hasher, _) => Digest::Sha3_384(hasher.finalize().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn parse_and_display_are_inverse() {
        let sha512 = format!("sha512:{}", "0123456789abcdef".repeat(8));
        for text in [EMPTY, sha512.as_str()] {
            assert_eq!(text.parse::<Digest>().map(|d| d.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn refuses_what_is_not_a_digest() {
        let upper = EMPTY.to_uppercase().replace("SHA256", "sha256");
        let long = format!("{EMPTY}0");
        for text in
            ["", "sha256", "sha256:", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha256:zz", &upper, &long]
        {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }

    #[test]
    fn hashes_in_pieces_as_in_one() {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(b"ab");
        hasher.update(b"c");
        assert_eq!(hasher.finish(), Digest::sha256(b"abc"));
        assert_eq!(Digest::sha256(b"").to_string(), EMPTY);
        assert_eq!(Digest::sha256(b"").short(), "e3b0c44298fc1c14");
    }

    #[test]
    fn a_sha3_has_a_sha256_beside_it_and_is_not_parsed() {
        let mut hasher = Hasher::new(Algorithm::Sha3_384);
        hasher.update(b"ab");
        let mut taken = hasher.take_beside().unwrap();
        hasher.update(b"c");
        assert_eq!((hasher.beside(), hasher.take_beside().is_none()), (None, true));
        taken.update(b"c");
        hasher.put_beside(taken);
        assert_eq!(hasher.beside(), Some(Digest::sha256(b"abc")));
        let digest = hasher.finish();
        // FIPS 202, as NIST's examples have it for the message "abc".
        assert!(digest.to_string().starts_with("sha3-384:ec01498288516fc926459f58e2c6ad8d"), "{digest}");
        assert!(digest.to_string().parse::<Digest>().is_err());
        assert_eq!(digest.stand_in().algorithm(), Algorithm::Sha256);
        assert_eq!(digest.stand_in().stand_in(), digest.stand_in());
    }
}
