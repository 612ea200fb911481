//! Who is trusted: the root of Canonical's store, and roots of one's own.

use super::examine::Examination;
use super::findings::Findings;
use super::proven::Proven;
use super::{Assertion, stream};
use crate::model::error::{Error, Result};
use crate::model::sha3::Sha3_384;

/// What to do where nobody who is trusted stands for assertions.
const NOBODY: &str = "nobody who is trusted stands for them: a store with a root of its own is trusted with `--trusted-key FILE`, \
                    a file of its account and its account-key";

/// The account of Canonical and its root key, as snapd has them built in (`asserts/sysdb/trusted.go`).
const ROOT: &[u8] = include_bytes!("root.assert");

/// The accounts and keys that are trusted as they are.
#[derive(Clone, Debug)]
pub struct Trust(Vec<Root>);

#[derive(Clone, Debug)]
struct Root {
    /// The file that it is from; nothing for what is built in.
    place: Option<String>,
    assertions: Vec<Assertion>,
}

impl Trust {
    /// Trusts what snapd trusts.
    ///
    /// Errors: [`Error::Usage`], which would be a fault of the build.
    pub fn built_in() -> Result<Self> {
        let assertions =
            stream(ROOT).map_err(|mistake| Error::usage(format!("the built-in root: {mistake}"), None))?;
        Ok(Self(vec![Root { place: None, assertions }]))
    }

    /// Trusts a root of one's own, too: `bytes` are assertions of type account and account-key, signed with a key among
    /// them or with one that is trusted already. `place` names their file in messages.
    ///
    /// Errors: [`Error::Usage`].
    pub fn and(mut self, place: &str, bytes: &[u8]) -> Result<Self> {
        let refused =
            |why: String| Error::usage(format!("`{place}` cannot be trusted as a root: {why}"), None);
        let assertions = stream(bytes).map_err(|mistake| refused(mistake.to_string()))?;
        let other = |assertion: &&Assertion| !matches!(assertion.kind(), "account" | "account-key");
        if let Some(other) = assertions.iter().find(other) {
            return Err(refused(format!("`{other}` is neither an account nor an account-key")));
        }
        for kind in ["account", "account-key"] {
            if !assertions.iter().any(|assertion| assertion.kind() == kind) {
                return Err(refused(format!("it holds no {kind}")));
            }
        }
        let roots = self.roots().chain(assertions.iter().map(|root| (root, Some(place)))).collect();
        let findings = Examination::new(roots, &assertions).finish();
        if let Some(why) = findings.wrong().iter().chain(findings.missing()).next() {
            return Err(refused(why.clone()));
        }
        self.0.push(Root { place: Some(place.to_owned()), assertions });
        Ok(self)
    }

    /// Returns whether an account is a root, so that no stream has to have it.
    pub fn has_account(&self, id: &str) -> bool {
        self.roots().any(|(root, _)| root.kind() == "account" && root.text("account-id") == Some(id))
    }

    /// Returns whether a key is a root, so that no stream has to have it.
    pub fn has_key(&self, id: &Sha3_384) -> bool {
        let id = id.base64url();
        self.roots()
            .any(|(root, _)| root.kind() == "account-key" && root.text("public-key-sha3-384") == Some(&id))
    }

    /// Finds out what can be said about a stream.
    pub fn examine<'a>(&'a self, stream: &'a [Assertion]) -> Findings<'a> {
        Examination::new(self.roots().collect(), stream).finish()
    }

    /// Proves all of a stream.
    ///
    /// Errors: [`Error::Unproven`] with a sentence for everything that is wrong or missing.
    pub fn prove<'a>(&'a self, stream: &'a [Assertion]) -> Result<Proven<'a>> {
        let findings = self.examine(stream);
        let items: Vec<String> = findings.wrong().iter().chain(findings.missing()).cloned().collect();
        if items.is_empty() {
            return Ok(Proven(findings));
        }
        // What is wrong in itself no root mends.
        let hint = findings.wrong().is_empty().then(|| NOBODY.to_owned());
        Err(Error::Unproven { items, hint })
    }

    fn roots(&self) -> impl Iterator<Item = (&Assertion, Option<&str>)> {
        self.0
            .iter()
            .flat_map(|root| root.assertions.iter().map(|assertion| (assertion, root.place.as_deref())))
    }
}
