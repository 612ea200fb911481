//! A macaroon in its first binary format, as libmacaroons and Go's `macaroon.v1` write it: packets, of which the last one
//! is the signature.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::hmac::{self, HMAC_SHA256};

/// The longest one in base64: what several make up has to go into one header.
const MAX_LENGTH: usize = 16 << 10;
/// What a binding is keyed with, as the two signatures are what counts.
const NO_KEY: [u8; 32] = [0; 32];
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A macaroon. Whoever has it may use it, so nothing prints it.
#[derive(Clone)]
pub(super) struct Macaroon {
    /// As it was given.
    text: String,
    /// Everything before the packet of the signature.
    body: Vec<u8>,
    location: String,
    signature: [u8; 32],
}

impl Macaroon {
    /// Reads one, in base64 for URLs.
    pub(super) fn read(text: &str) -> Option<Self> {
        let short = Some(text).filter(|text| text.len() <= MAX_LENGTH)?;
        let bytes = BASE64.decode(short).ok()?;
        let (location, rest) = named(b"location", &bytes)?;
        let location = std::str::from_utf8(location).ok()?.to_owned();
        let (_, mut rest) = named(b"identifier", rest)?;
        loop {
            let before = bytes.len().checked_sub(rest.len())?;
            let (name, value, after) = packet(rest)?;
            match name {
                b"cid" | b"vid" | b"cl" => rest = after,
                b"signature" if after.is_empty() => {
                    let (signature, body) = (value.try_into().ok()?, bytes.get(..before)?.to_vec());
                    return Some(Self { text: text.to_owned(), body, location, signature });
                }
                _ => return None,
            }
        }
    }

    /// Returns who made it: `login.ubuntu.com`.
    pub(super) fn location(&self) -> &str {
        &self.location
    }

    /// Returns it as it was given.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns it as it serves beside `root` and no other, in base64 (`prepare_for_request`).
    pub(super) fn bound_to(&self, root: &Self) -> String {
        let keyed = |text: &[u8]| hmac::sign(&hmac::Key::new(HMAC_SHA256, &NO_KEY), text);
        let both = [keyed(&root.signature), keyed(&self.signature)];
        let signature = keyed(&both.map(|one| one.as_ref().to_vec()).concat());
        let mut bytes = self.body.clone();
        bytes.extend_from_slice(b"002fsignature ");
        bytes.extend_from_slice(signature.as_ref());
        bytes.push(b'\n');
        BASE64.encode(bytes)
    }
}

/// Returns the value of the first packet, which has to be this one, and what is behind it.
fn named<'a>(wanted: &[u8], bytes: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    packet(bytes).filter(|(name, ..)| *name == wanted).map(|(_, value, rest)| (value, rest))
}

/// Returns name and value of the first packet, and what is behind it: four digits in hex for the length of all of it, the
/// name, a space, the value, a line end.
fn packet(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let digits = bytes.get(..4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    let length = usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    let value = bytes.get(4..length)?.strip_suffix(b"\n")?;
    let space = value.iter().position(|byte| *byte == b' ')?;
    Some((value.get(..space)?, value.get(space.checked_add(1)?..)?, bytes.get(length..)?))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Made by Go's `gopkg.in/macaroon.v1`, which has verified those that are bound with the root.
    const MADE: &str = include_str!("../../../../tests/suite/fixture/macaroons");

    pub(in super::super) fn made(name: &str) -> &'static str {
        MADE.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap()
    }

    #[test]
    fn it_is_bound_as_go_binds_it() {
        let (root, discharge, bound) = (made("root"), made("first"), made("first-bound"));
        let padded = format!("{discharge}{}", "=".repeat((4 - discharge.len() % 4) % 4));
        assert_ne!(padded, discharge);
        for text in [discharge, &padded] {
            let [root, discharge] = [root, text].map(|text| Macaroon::read(text).unwrap());
            assert_eq!((root.location(), discharge.location()), ("api.snapcraft.io", "login.ubuntu.com"));
            assert_eq!(discharge.text(), text);
            assert_eq!(discharge.bound_to(&root), bound);
        }
    }

    #[test]
    fn what_is_none_is_none() {
        let encoded = |text: &str| BASE64.encode(text);
        let signed = format!("002fsignature {}\n", "s".repeat(32));
        let head = "000flocation l\n0011identifier i\n";
        assert!(Macaroon::read(&encoded(&format!("{head}{signed}"))).is_some());
        for bad in [
            String::new(),
            "not base64!".to_owned(),
            encoded(head),
            encoded(&signed),
            encoded(&format!("000flocation l\n{signed}")),
            encoded(&format!("{head}{signed}more")),
            encoded(&format!("{head}000aodd x\n{signed}")),
            encoded(&format!("{head}000fsignature \n")),
            encoded(&format!("{head}002esignature {}\n", "s".repeat(31))),
            encoded("0000"),
            encoded("0004"),
            encoded("+00flocation l\n"),
            encoded("fffflocation l\n"),
            "A".repeat(MAX_LENGTH + 1),
        ] {
            assert!(Macaroon::read(&bad).is_none(), "{bad:.60}");
        }
        let root = made("root");
        let cut = (0..root.len()).filter(|length| Macaroon::read(&root[..*length]).is_some()).count();
        assert_eq!(cut, 0);
    }
}
