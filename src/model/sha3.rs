//! SHA3-384 (FIPS 202): what snaps and the keys of assertions are named by.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha3::Digest as _;

use super::digest::{hex, unhex};

/// The SHA3-384 of some bytes; 96 hexadecimal digits when printed, as the store writes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha3_384([u8; 48]);

impl Sha3_384 {
    /// Returns the SHA3-384 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha3::Sha3_384::digest(bytes).into())
    }

    /// Returns the raw bytes.
    pub const fn bytes(&self) -> &[u8; 48] {
        &self.0
    }

    /// Returns the lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }

    /// Reads 96 lower-case hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        unhex(text).map(Self)
    }

    /// Returns it as assertions write it: 64 characters of base64url (RFC 4648, section 5).
    pub fn base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Reads what [`Sha3_384::base64url`] writes.
    pub fn from_base64url(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl From<[u8; 48]> for Sha3_384 {
    fn from(bytes: [u8; 48]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Sha3_384 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for Sha3_384 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::{Algorithm, Digest, Hasher};

    /// The SHA3-384 of nothing (FIPS 202, test vectors of NIST).
    const EMPTY: &str =
        "0c63a75b845e4f7d01107d852e4c2485c51a50aaaa94fc61995e71bbee983a2ac3713831264adb47fb6bd1e058d5f004";

    #[test]
    fn both_spellings_are_read_back() {
        let empty = Sha3_384::of(b"");
        assert_eq!(empty.to_string(), EMPTY);
        assert_eq!(Sha3_384::from_hex(EMPTY), Some(empty));
        assert_eq!(empty.base64url(), "DGOnW4ReT30BEH2FLkwkhcUaUKqqlPxhmV5xu-6YOirDcTgxJkrbR_tr0eBY1fAE");
        assert_eq!(Sha3_384::from_base64url(&empty.base64url()), Some(empty));
    }

    #[test]
    fn what_is_neither_is_refused() {
        let upper = EMPTY.to_uppercase();
        for text in ["", &EMPTY[1..], &upper] {
            assert_eq!(Sha3_384::from_hex(text), None, "{text}");
        }
        let padded = format!("{}==", Sha3_384::of(b"").base64url());
        for text in ["", "DGOn", &padded, &EMPTY[..64].replace('0', "+")] {
            assert_eq!(Sha3_384::from_base64url(text), None, "{text}");
        }
    }

    #[test]
    fn hashes_in_pieces_as_in_one() {
        let mut hasher = Hasher::new(Algorithm::Sha3_384);
        hasher.update(b"ab");
        hasher.update(b"c");
        assert_eq!(hasher.finish(), Digest::Sha3_384(*Sha3_384::of(b"abc").bytes()));
    }
}
