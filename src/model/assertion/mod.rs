//! Assertions: signed statements in which a store says who publishes a snap and which file it is (snapd, `asserts`).
//!
//! This reads them ([`parse`], [`stream`]), keeps their bytes as they are, and proves them up to a root that is trusted
//! ([`Trust`]). It asks nobody for what is missing, and no clock.

mod constraints;
mod examine;
mod facts;
mod findings;
mod headers;
mod kind;
mod mistake;
mod openpgp;
mod proven;
mod trust;
mod wire;

pub use findings::{Expired, Findings};
pub use headers::Value;
pub use kind::newest_format;
pub use mistake::Mistake;
pub use openpgp::{PublicKey, Signature};
pub use proven::{Claims, Proven, Publisher, SnapProof};
pub use trust::Trust;
pub use wire::{parse, stream};

use std::fmt;
use std::ops::Range;

use headers::Headers;
use kind::{Kind, PROVENANCE, Signer};

use super::moment::Moment;
use super::sha3::Sha3_384;

/// The longest stream of assertions: 10 MiB.
pub const MAX_STREAM: usize = 10 << 20;
/// The most assertions of a stream.
pub const MAX_ASSERTIONS: usize = 1000;

/// The only series of snaps that there has been.
const SERIES: &str = "16";

/// A signed statement. That it is parsed says nothing about whether it is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    raw: Vec<u8>,
    signed: usize,
    body: Range<usize>,
    headers: Headers,
    kind: Option<Kind>,
    format: u64,
    revision: u64,
    signer: Sha3_384,
    signature: Signature,
}

impl Assertion {
    /// Reads the headers that every assertion has.
    fn new(
        raw: &[u8],
        signed: usize,
        body: Range<usize>,
        headers: Headers,
        signature: Signature,
    ) -> Result<Self, Mistake> {
        let kind = Kind::named(headers.filled("type")?);
        match kind.map(|kind| kind.signer) {
            Some(Signer::Nobody) if headers.values().contains_key("authority-id") => {
                let message = "a request is signed by no authority: header `authority-id` has to go";
                return Err(headers.mistake("authority-id", message));
            }
            Some(Signer::Nobody) => {}
            // Of a type that is not known most are like most others.
            Some(Signer::Authority) | None => {
                headers.filled("authority-id")?;
            }
        }
        let id = headers.filled("sign-key-sha3-384")?;
        let key = Sha3_384::from_base64url(id).ok_or_else(|| {
            let message = "header `sign-key-sha3-384` is no key id: expected 64 characters of base64url";
            headers.mistake("sign-key-sha3-384", message)
        })?;
        let (format, revision) = (headers.number("format")?, headers.number("revision")?);
        for name in kind.map_or(&[] as &[&str], |kind| kind.key) {
            if *name == PROVENANCE.0 && !headers.values().contains_key(*name) {
                continue;
            }
            if headers.filled(name)?.contains('/') {
                return Err(headers.mistake(name, format!("header `{name}` holds a `/`")));
            }
        }
        Ok(Self { raw: raw.to_vec(), signed, body, headers, kind, format, revision, signer: key, signature })
    }

    /// Returns its type, such as `snap-revision`.
    pub fn kind(&self) -> &str {
        self.text("type").unwrap_or_default()
    }

    /// Returns what tells it from others of its type, such as series and snap id; empty where the type is not known.
    pub fn key(&self) -> Vec<&str> {
        let names = self.kind.map_or(&[] as &[&str], |kind| kind.key);
        let value = |name: &&str| {
            let default = if *name == PROVENANCE.0 { PROVENANCE.1 } else { "" };
            self.text(name).unwrap_or(default)
        };
        names.iter().map(value).collect()
    }

    /// Returns a header that holds text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.header(name).and_then(Value::text)
    }

    /// Returns a header.
    pub fn header(&self, name: &str) -> Option<&Value> {
        self.headers.values().get(name)
    }

    /// Returns the account that stands for it; empty for a request.
    pub fn authority(&self) -> &str {
        self.text("authority-id").unwrap_or_default()
    }

    /// Returns the id of the key that has signed it.
    pub fn signer(&self) -> &Sha3_384 {
        &self.signer
    }

    /// Returns which version of the statement it is: the highest counts.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns the format of its headers.
    pub fn format(&self) -> u64 {
        self.format
    }

    /// Returns the bytes between headers and signature, without the empty lines around them.
    pub fn body(&self) -> &[u8] {
        self.raw.get(self.body.clone()).unwrap_or_default()
    }

    /// Returns all of its bytes as they were read, with the line feed at the end where there was one.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Returns the bytes that the signature is of.
    pub fn signed(&self) -> &[u8] {
        self.raw.get(..self.signed).unwrap_or_default()
    }

    /// Returns the signature.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Returns when it was made, where it says so.
    fn timestamp(&self) -> Result<Option<Moment>, String> {
        self.moment("timestamp")
    }

    /// Returns the time that a header holds.
    fn moment(&self, name: &str) -> Result<Option<Moment>, String> {
        if self.header(name).is_none() {
            return Ok(None);
        }
        let text = self.text(name).unwrap_or_default();
        text.parse().map(Some).map_err(|error| format!("header `{name}`: {error}"))
    }
}

/// Its path in a store, such as `snap-declaration/16/ID`.
impl fmt::Display for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        for part in self.key() {
            if part != PROVENANCE.1 {
                write!(f, "/{part}")?;
            }
        }
        Ok(())
    }
}

/// Joins assertions to a stream: an empty line between two, one line feed at the end.
pub fn emit<'a>(assertions: impl IntoIterator<Item = &'a Assertion>) -> Vec<u8> {
    let mut stream = Vec::new();
    for assertion in assertions {
        if !stream.is_empty() {
            stream.push(b'\n');
        }
        stream.extend_from_slice(assertion.raw());
        if !assertion.raw().ends_with(b"\n") {
            stream.push(b'\n');
        }
    }
    stream
}

#[cfg(test)]
mod tests;
