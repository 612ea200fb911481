//! Whatever is changed in a signed assertion is found.

use std::sync::OnceLock;

use airgap_bundle::model::assertion::{Trust, stream};
use airgap_bundle::model::error::Error;

use super::{chain, trust};

/// Fails where a chain is still proven with `text` in the place of one of its parts.
fn refused(at: usize, text: &str, what: &str) {
    let mut parts = chain_once().clone();
    text.clone_into(&mut parts[at]);
    let Ok(parsed) = stream(parts.join("\n").as_bytes()) else { return };
    let error = trust_once().prove(&parsed).expect_err(what);
    assert!(matches!(error, Error::Unproven { .. }), "{what}: {error}");
}

fn chain_once() -> &'static [String; 4] {
    static CHAIN: OnceLock<[String; 4]> = OnceLock::new();
    CHAIN.get_or_init(chain)
}

fn trust_once() -> &'static Trust {
    static TRUST: OnceLock<Trust> = OnceLock::new();
    TRUST.get_or_init(trust)
}

/// Returns `text` with another character at an offset.
fn with_other(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] = match bytes[at] {
        b'A' => b'B',
        b'0' => b'1',
        b'\n' => b' ',
        other if other.is_ascii_digit() => b'0',
        _ => b'A',
    };
    String::from_utf8(bytes).unwrap()
}

#[test]
fn every_header_is_signed() {
    let proven = stream(chain_once().join("\n").as_bytes()).unwrap();
    trust_once().prove(&proven).unwrap();
    for (at, part) in chain_once().iter().enumerate() {
        let (headers, rest) = part.split_once("\n\n").unwrap();
        let lines: Vec<&str> = headers.split('\n').collect();
        for (number, line) in lines.iter().enumerate() {
            let name = line.split(':').next().unwrap();
            let with = |line: &[&str]| {
                let changed = [&lines[..number], line, &lines[number + 1..]].concat().join("\n");
                format!("{changed}\n\n{rest}")
            };
            refused(at, &with(&[]), &format!("{name} is gone"));
            refused(at, &with(&[&format!("{name}: ")]), &format!("{name} is empty"));
            refused(at, &with(&[&format!("{line}A")]), &format!("{name} is longer"));
            refused(at, &with(&[&with_other(line, line.len() - 1)]), &format!("{name} is another"));
            refused(at, &with(&[line, "x-more: 1"]), &format!("more stands after {name}"));
            if number > 0 {
                let mut swapped = lines.clone();
                swapped.swap(number, number - 1);
                refused(
                    at,
                    &format!("{}\n\n{rest}", swapped.join("\n")),
                    &format!("{name} stands elsewhere"),
                );
            }
        }
    }
}

#[test]
fn every_character_of_body_and_signature_counts() {
    for (at, part) in chain_once().iter().enumerate() {
        let from = part.find("\n\n").unwrap();
        // The line feed at the very end is for those who print it.
        for offset in (from..part.len() - 1).step_by(5).chain(part.len() - 8..part.len() - 1) {
            let other = with_other(part, offset);
            // Of base64, line feeds are no part.
            if part.as_bytes()[offset] != b'\n' {
                refused(at, &other, &format!("offset {offset} of assertion {at}"));
            }
        }
    }
}
