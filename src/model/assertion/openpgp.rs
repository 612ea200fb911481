//! As much of `OpenPGP` (RFC 4880) as assertions have: an RSA public key packet (section 5.5.2) and a signature packet
//! (section 5.2.3), each in base64 behind a byte 1 that says so.
//!
//! Who has signed is in the headers. The issuer that a packet names is not looked at: that of the store's root is wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents};
use sha2::{Digest as _, Sha512};

use crate::model::sha3::Sha3_384;

/// What stands in front of a packet.
const ENVELOPE: u8 = 1;
/// Packet tags (RFC 4880, section 4.3).
const SIGNATURE_TAG: u8 = 2;
const PUBLIC_KEY_TAG: u8 = 6;
/// The version of both packets.
const VERSION: u8 = 4;
/// Algorithms (RFC 4880, sections 9.1 and 9.4).
const RSA: u8 = 1;
const SHA512: u8 = 10;
/// A signature of a binary document (RFC 4880, section 5.2.1).
const BINARY: u8 = 0;

/// An RSA public key of 2048 to 8192 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    id: Sha3_384,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

/// A signature by RSA with the padding of PKCS #1 v1.5 and SHA-512.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// What is signed behind the content (RFC 4880, section 5.2.4).
    trailer: Vec<u8>,
    /// The first bytes of the hash.
    beginning: [u8; 2],
    value: Vec<u8>,
}

impl PublicKey {
    /// Reads a key from base64. An error is a lower-case fragment.
    pub(super) fn decode(text: &[u8]) -> Result<Self, String> {
        let bytes = unwrap(text)?;
        let mut packet = Fields(packet(&bytes, PUBLIC_KEY_TAG, "a public key")?);
        packet.expect(VERSION, "version")?;
        // The time when it was made: account-key says from when it holds.
        packet.take(4)?;
        packet.expect(RSA, "algorithm")?;
        let (modulus, exponent) = (packet.integer()?, packet.integer()?);
        packet.end()?;
        Ok(Self { id: Sha3_384::of(&bytes), modulus, exponent })
    }

    /// Returns the key id: the SHA3-384 of the decoded body of its account-key.
    pub fn id(&self) -> &Sha3_384 {
        &self.id
    }

    /// Returns whether `signature` is this key's of `content`.
    pub fn has_signed(&self, content: &[u8], signature: &Signature) -> bool {
        let message = [content, &signature.trailer].concat();
        // RSA as such takes numbers, and a number may be short.
        let Some(missing) = self.modulus.len().checked_sub(signature.value.len()) else { return false };
        let value = [vec![0; missing].as_slice(), &signature.value].concat();
        let key = RsaPublicKeyComponents { n: &self.modulus, e: &self.exponent };
        Sha512::digest(&message).starts_with(&signature.beginning)
            && key.verify(&RSA_PKCS1_2048_8192_SHA512, &message, &value).is_ok()
    }
}

impl Signature {
    /// Reads a signature from base64. An error is a lower-case fragment.
    pub(super) fn decode(text: &[u8]) -> Result<Self, String> {
        let bytes = unwrap(text)?;
        let whole = packet(&bytes, SIGNATURE_TAG, "a signature")?;
        let mut packet = Fields(whole);
        packet.expect(VERSION, "version")?;
        packet.expect(BINARY, "type of signature")?;
        packet.expect(RSA, "algorithm")?;
        packet.expect(SHA512, "hash algorithm")?;
        let hashed = packet.length()?;
        packet.take(hashed)?;
        let signed = whole.get(..6 + hashed).unwrap_or_default();
        // What is not signed says nothing.
        let unhashed = packet.length()?;
        packet.take(unhashed)?;
        let beginning = packet.array()?;
        let value = packet.integer()?;
        packet.end()?;
        let length = u32::try_from(signed.len()).unwrap_or_default();
        let trailer = [signed, &[VERSION, 0xff], &length.to_be_bytes()].concat();
        Ok(Self { trailer, beginning, value })
    }
}

/// Returns the bytes that stand in base64, in lines of any length.
fn unwrap(text: &[u8]) -> Result<Vec<u8>, String> {
    let joined: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'\n').collect();
    STANDARD.decode(joined).map_err(|_| "it is not base64".to_owned())
}

/// Returns the body of the one packet that is wanted.
fn packet<'a>(bytes: &'a [u8], tag: u8, what: &str) -> Result<&'a [u8], String> {
    /// A header of the new format (RFC 4880, section 4.2).
    const NEW: u8 = 0xc0;
    let mut rest = Fields(bytes);
    rest.expect(ENVELOPE, "format")?;
    let [header] = rest.array()?;
    if header != NEW | tag {
        return Err(format!("it holds no packet of {what}"));
    }
    // RFC 4880, section 4.2.2.
    let length = match rest.array()? {
        [short @ 0..=191] => usize::from(short),
        [first @ 192..=223] => {
            let [second] = rest.array()?;
            (usize::from(first - 192) << 8) + usize::from(second) + 192
        }
        [224..=254] => return Err("its packet is in parts".to_owned()),
        [255] => usize::try_from(u32::from_be_bytes(rest.array()?)).map_err(|_| SHORT.to_owned())?,
    };
    let body = rest.take(length)?;
    rest.end()?;
    Ok(body)
}

/// What is said of a packet that lacks bytes.
const SHORT: &str = "its packet ends too early";

/// What is left of a packet.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (field, rest) = self.0.split_at_checked(length).ok_or(SHORT)?;
        self.0 = rest;
        Ok(field)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N)?.try_into().map_err(|_| SHORT.to_owned())
    }

    fn length(&mut self) -> Result<usize, String> {
        self.array().map(|bytes| usize::from(u16::from_be_bytes(bytes)))
    }

    /// Reads a number of several bytes, behind how many bits it has (RFC 4880, section 3.2).
    fn integer(&mut self) -> Result<Vec<u8>, String> {
        let bits = self.length()?;
        let bytes = self.take(bits.div_ceil(8))?;
        let leading = bytes.first().map_or(0, |first| first.leading_zeros());
        let exact = (bytes.len() * 8).saturating_sub(usize::try_from(leading).unwrap_or_default());
        // Whole bytes are what the store counts.
        if bits != exact && bits != bytes.len() * 8 {
            return Err(format!("its packet has a number that is not of {bits} bits"));
        }
        Ok(bytes.to_vec())
    }

    fn expect(&mut self, expected: u8, what: &str) -> Result<(), String> {
        match self.array()? {
            [got] if got == expected => Ok(()),
            [got] => Err(format!("its {what} is not supported: expected {expected}, got {got}")),
        }
    }

    fn end(&self) -> Result<(), String> {
        if self.0.is_empty() { Ok(()) } else { Err("there is more behind its end".to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(bytes: &[u8]) -> Vec<u8> {
        STANDARD.encode(bytes).into_bytes()
    }

    /// A signature packet around a number, which no key has made.
    fn signature() -> Vec<u8> {
        vec![1, 0xc2, 17, 4, 0, 1, 10, 0, 1, 7, 0, 1, 9, 0xab, 0xcd, 0, 9, 1, 0xff, 0]
    }

    #[test]
    fn a_signature_is_read() {
        let mut bytes = signature();
        bytes.pop();
        bytes[2] = 16;
        let read = Signature::decode(&encode(&bytes)).unwrap();
        assert_eq!(read.trailer, [4, 0, 1, 10, 0, 1, 7, 4, 0xff, 0, 0, 0, 7]);
        assert_eq!((read.beginning, read.value), ([0xab, 0xcd], vec![1, 0xff]));
        // In lines, and with its length in five bytes.
        let mut long = vec![1, 0xc2, 255, 0, 0, 0, 16];
        long.extend(&bytes[3..]);
        let mut lines = encode(&long);
        lines.insert(4, b'\n');
        lines.push(b'\n');
        assert!(Signature::decode(&lines).is_ok());
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        let with = |at: usize, byte: u8| {
            let mut bytes = signature();
            bytes[at] = byte;
            encode(&bytes)
        };
        let short = |length: usize| encode(&signature()[..length]);
        for (text, expected) in [
            (b"".to_vec(), "its packet ends too early"),
            (b"@".to_vec(), "it is not base64"),
            (b"AQ".to_vec(), "it is not base64"),
            (b"AQ\r==".to_vec(), "it is not base64"),
            (with(0, 2), "its format is not supported: expected 1, got 2"),
            (with(1, 0xc6), "it holds no packet of a signature"),
            (with(1, 0x88), "it holds no packet of a signature"),
            (with(2, 230), "its packet is in parts"),
            (with(2, 16), "there is more behind its end"),
            (with(2, 18), "its packet ends too early"),
            (with(2, 192), "its packet ends too early"),
            (with(3, 3), "its version is not supported: expected 4, got 3"),
            (with(4, 1), "its type of signature is not supported: expected 0, got 1"),
            (with(5, 17), "its algorithm is not supported: expected 1, got 17"),
            (with(6, 8), "its hash algorithm is not supported: expected 10, got 8"),
            (with(8, 200), "its packet ends too early"),
            (with(16, 12), "its packet has a number that is not of 12 bits"),
            (encode(&signature()), "there is more behind its end"),
            (short(1), "its packet ends too early"),
            (short(2), "its packet ends too early"),
            (short(10), "its packet ends too early"),
        ] {
            let said = Signature::decode(&text).unwrap_err();
            assert_eq!(said, expected, "{}", String::from_utf8_lossy(&text));
        }
    }
}
