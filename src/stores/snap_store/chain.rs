//! Everything that proves a snap, up to what is trusted: what a `.assert` file holds.

use std::collections::BTreeSet;

use super::{MaxFormat, SnapStore};
use crate::model::assertion::{Assertion, Trust, parse};
use crate::model::error::{Error, Result};
use crate::model::sha3::Sha3_384;
use crate::model::snap::GLOBAL_UPLOAD;

/// The only series of snaps that there has been.
const SERIES: &str = "16";
/// The most bytes of them: 1 MiB, where 10 KiB are usual.
const MAX_CHAIN: usize = 1 << 20;
/// So many assertions prove one snap: a handful does.
const MAX_ASSERTIONS: usize = 32;

/// What is to be done next; the last one first.
enum Step {
    /// Fetch the assertion of this type and key, and all that it stands on.
    Fetch(Vec<String>),
    /// All that this one stands on is there.
    Keep(Box<Assertion>),
}

impl SnapStore {
    /// Fetches the snap-revision of the file with this hash and provenance and all that it stands on, in the order of
    /// snapd's fetcher: what an assertion stands on comes before it, and what is trusted is left out. Nothing of it is proven.
    ///
    /// An account or a key that the store does not have is left out. Errors: [`Error::NotFound`] for anything else that it
    /// does not have, [`Error::Mismatch`] where it answers with another.
    pub async fn chain(
        &self,
        sha3_384: &Sha3_384,
        provenance: &str,
        trust: &Trust,
    ) -> Result<Vec<Assertion>> {
        let mut first = path(["snap-revision", &sha3_384.base64url()]);
        if provenance != GLOBAL_UPLOAD {
            first.push(provenance.to_owned());
        }
        let mut steps = vec![Step::Fetch(first)];
        let (mut seen, mut chain, mut length) = (BTreeSet::new(), Vec::new(), 0_usize);
        let refused = |why: &str| {
            let (what, why) = ("what proves a snap".to_owned(), why.to_owned());
            self.at_assertions(Error::Network { what, why, hint: None })
        };
        while let Some(step) = steps.pop() {
            let path = match step {
                Step::Keep(assertion) => {
                    chain.push(*assertion);
                    continue;
                }
                Step::Fetch(path) if is_trusted(trust, &path) || !seen.insert(path.clone()) => continue,
                Step::Fetch(path) => path,
            };
            if seen.len() > MAX_ASSERTIONS {
                return Err(refused(&format!("it stands on more than {MAX_ASSERTIONS} assertions")));
            }
            let cell = self.known.cell(&path.join("/"));
            let assertion = match cell.get_or_try_init(|| self.parsed(&path)).await {
                Ok(assertion) => assertion.clone(),
                // Whoever proves the others says what it was needed for.
                Err(error) if may_be_absent(&path, &error) => continue,
                Err(error) => return Err(self.at_assertions(error)),
            };
            length = length.saturating_add(assertion.raw().len());
            if length > MAX_CHAIN {
                return Err(refused(&format!("it stands on more than {MAX_CHAIN} bytes of assertions")));
            }
            let needed = needed(&assertion);
            steps.push(Step::Keep(Box::new(assertion)));
            steps.extend(needed.into_iter().rev().map(Step::Fetch));
        }
        Ok(chain)
    }

    /// Fetches and reads the assertion of a path, and no other.
    async fn parsed(&self, path: &[String]) -> Result<Assertion> {
        let kind = path.first().map(String::as_str).unwrap_or_default();
        let max_format = MaxFormat::of(kind, &self.settings.max_formats);
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        let bytes = self.assertion(&parts, max_format).await?;
        let asked = parts.join("/");
        let assertion = parse(&bytes).map_err(|mistake| Error::Network {
            what: format!("assertion `{asked}`"),
            why: format!("what came is none: {mistake}"),
            hint: None,
        })?;
        if assertion.to_string() != asked {
            return Err(Error::Mismatch {
                what: "the answer is another assertion than was asked for".to_owned(),
                expected: format!("`{asked}`"),
                got: format!("`{assertion}`"),
            });
        }
        if assertion.format() > max_format {
            return Err(Error::Mismatch {
                what: format!("the answer to `max-format={max_format}` for assertion `{asked}`"),
                expected: format!("format {max_format} at most"),
                got: format!("format {}", assertion.format()),
            });
        }
        Ok(assertion)
    }
}

/// Returns what an assertion stands on, in snapd's order: `Prerequisites` of its type, then the key that has signed it.
fn needed(assertion: &Assertion) -> Vec<Vec<String>> {
    let text = |name: &str| assertion.text(name).unwrap_or_default();
    let mut needed = match assertion.kind() {
        "snap-revision" => {
            vec![path(["snap-declaration", SERIES, text("snap-id")]), path(["account", text("developer-id")])]
        }
        "snap-declaration" => vec![path(["account", text("publisher-id")])],
        "account-key" => vec![path(["account", text("account-id")])],
        _ => Vec::new(),
    };
    needed.push(path(["account-key", &assertion.signer().base64url()]));
    needed
}

/// Returns whether the store does not have an account or a key: those of a root of its own, which it need not hand out.
fn may_be_absent(path: &[String], error: &Error) -> bool {
    matches!(error.root(), Error::NotFound { .. })
        && path.first().is_some_and(|kind| kind == "account" || kind == "account-key")
}

fn path<const N: usize>(parts: [&str; N]) -> Vec<String> {
    parts.map(str::to_owned).to_vec()
}

fn is_trusted(trust: &Trust, path: &[String]) -> bool {
    match path {
        [kind, id] if kind == "account" => trust.has_account(id),
        [kind, id] if kind == "account-key" => {
            Sha3_384::from_base64url(id).is_some_and(|id| trust.has_key(&id))
        }
        _ => false,
    }
}
