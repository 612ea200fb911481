//! The arithmetic, against a second implementation that shares nothing with ours: `openssl dgst -verify`.

use std::fs;
use std::process::Command;

use airgap_bundle::model::assertion::{Assertion, Trust, stream};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{chain, store_key, trust};
use crate::fixture::assertions::{CANONICAL, Key, account, root};
use crate::site::Site;

/// Writes a value in DER (X.690) with its tag and length.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let header = match length {
        [0, short @ ..128] => vec![tag, short],
        [0, longer] => vec![tag, 0x81, longer],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [header.as_slice(), content].concat()
}

/// Takes the next number of a packet of `OpenPGP`.
fn number<'a>(packet: &mut &'a [u8]) -> &'a [u8] {
    let bits = usize::from(u16::from_be_bytes([packet[0], packet[1]]));
    let (number, rest) = packet[2..].split_at(bits.div_ceil(8));
    *packet = rest;
    number
}

/// Returns the body of the packet in base64.
fn packet(text: &[u8]) -> Vec<u8> {
    let flat: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'\n').collect();
    STANDARD.decode(flat).unwrap()[4..].to_vec()
}

/// Returns the key of an account-key in the form that openssl reads (RFC 3279, section 2.3.1).
fn public_key(key: &Assertion) -> String {
    let packet = packet(key.body());
    let mut numbers = &packet[6..];
    // In DER a number with its highest bit set would be negative.
    let modulus = der(2, &[[0].as_slice(), number(&mut numbers)].concat());
    let exponent = der(2, number(&mut numbers));
    let algorithm = der(0x30, &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0]);
    let bits = der(3, &[[0].as_slice(), &der(0x30, &[modulus, exponent].concat())].concat());
    let info = der(0x30, &[algorithm, bits].concat());
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", wrapped(&info))
}

fn wrapped(bytes: &[u8]) -> String {
    let flat = STANDARD.encode(bytes).into_bytes();
    flat.chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect::<Vec<_>>().join("\n")
}

/// Returns whether openssl finds that `key` has signed `content` with the signature of `assertion`.
fn openssl_agrees(site: &Site, key: &Assertion, content: &[u8], assertion: &Assertion) -> bool {
    let raw = assertion.raw();
    let packet = packet(&raw[assertion.signed().len() + 2..]);
    let length = |at: usize| usize::from(u16::from_be_bytes([packet[at], packet[at + 1]]));
    let hashed = 6 + length(4);
    let mut rest = &packet[hashed + 2 + length(hashed) + 2..];
    let trailer = [&packet[..hashed], &[4, 0xff], &u32::try_from(hashed).unwrap().to_be_bytes()].concat();
    let signature = number(&mut rest);
    fs::write(site.path("key"), public_key(key)).unwrap();
    fs::write(site.path("message"), [content, &trailer].concat()).unwrap();
    fs::write(site.path("signature"), signature).unwrap();
    let mut openssl = Command::new("openssl");
    openssl.current_dir(site.root()).args([
        "dgst",
        "-sha512",
        "-verify",
        "key",
        "-signature",
        "signature",
        "message",
    ]);
    openssl.output().unwrap().status.success()
}

/// Compares both on what `key` has signed, and on what it has not.
fn compare(trust: &Trust, key: &Assertion, assertion: &Assertion) {
    let site = Site::new();
    assert_eq!(assertion.signer().base64url(), key.text("public-key-sha3-384").unwrap());
    let findings = trust.examine(std::slice::from_ref(assertion));
    assert!(findings.wrong().is_empty(), "{:?}", findings.wrong());
    assert!(openssl_agrees(&site, key, assertion.signed(), assertion), "{assertion}");
    let mut other = assertion.raw().to_vec();
    let at = other.windows(6).position(|window| window == b"since:" || window == b"timest").unwrap();
    other.splice(at..at, *b"x-more: 1\n");
    let other = stream(&other).unwrap();
    assert!(!trust.examine(&other).wrong().is_empty(), "{assertion}");
    assert!(!openssl_agrees(&site, key, other[0].signed(), &other[0]), "{assertion}");
}

#[test]
fn openssl_says_the_same_of_a_root_of_8192_bits() {
    let root = stream(root().as_bytes()).unwrap();
    for assertion in &root {
        compare(&trust(), &root[0], assertion);
    }
    let built_in = stream(CANONICAL).unwrap();
    for assertion in &built_in {
        compare(&trust(), &built_in[0], assertion);
    }
}

#[test]
fn openssl_says_the_same_of_a_store_key_of_4096_bits() {
    let chain = stream(chain().join("\n").as_bytes()).unwrap();
    let store = Trust::built_in().unwrap().and("a.assert", root().as_bytes()).unwrap();
    // The store's key stands for itself here, so that the signature is all that is judged.
    let account = account("canonical").signed(Key::Store);
    let store = store.and("b.assert", format!("{}\n{account}", store_key()).as_bytes()).unwrap();
    for assertion in &chain[1..] {
        compare(&store, &chain[0], assertion);
    }
}
