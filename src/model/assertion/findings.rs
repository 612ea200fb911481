//! What comes out when a stream is examined.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::examine::{Case, Index, Standing, key};
use super::facts::AccountKey;
use crate::model::moment::Moment;

/// What was found out about a stream: what breaks a rule, and what cannot be told because something is not there.
#[derive(Debug)]
pub struct Findings<'a> {
    pub(super) cases: Vec<Case<'a>>,
    pub(super) roots: usize,
    pub(super) index: Index<'a>,
    pub(super) wrong: Vec<String>,
    pub(super) missing: Vec<String>,
}

/// A key that is not valid at a moment, though what it has signed is proven otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// Its id, in base64url.
    pub key: String,
    /// Whose it is.
    pub account: String,
    /// When it begins to be valid.
    pub since: Moment,
    /// When it is no longer valid; never where this is missing.
    pub until: Option<Moment>,
}

/// A fragment such as ``key ID of `canonical` is valid from … to …``.
impl fmt::Display for Expired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {} of `{}` is valid from {}", self.key, self.account, self.since)?;
        match self.until {
            Some(until) => write!(f, " to {until}"),
            None => Ok(()),
        }
    }
}

impl<'a> Findings<'a> {
    /// Returns what breaks a rule: one sentence each, which names the assertion.
    pub fn wrong(&self) -> &[String] {
        &self.wrong
    }

    /// Returns what is lacking for a proof: one sentence each, which names the assertion.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Returns the keys that something in the stream is signed with, and that are not valid at a moment. Whether the clock
    /// that tells the moment is right is for others to judge.
    pub fn expired(&self, at: Moment) -> Vec<Expired> {
        let mut expired = BTreeMap::new();
        for case in self.stream() {
            let id = case.assertion.signer();
            if let Some((_, key)) = self.key_of(case)
                && !key.holds_at(at)
            {
                let (account, since, until) = (key.account.to_owned(), key.since, key.until);
                expired.insert(*id, Expired { key: id.base64url(), account, since, until });
            }
        }
        expired.into_values().collect()
    }

    /// Returns the files of the roots of one's own that something in the stream is proven with.
    pub fn own_roots(&self) -> Vec<&'a str> {
        let roots = self.stream().filter_map(|case| match case.standing {
            Standing::Proven(place) => place,
            Standing::Open | Standing::Wrong => None,
        });
        roots.collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn stream(&self) -> impl Iterator<Item = &Case<'a>> {
        self.cases.iter().skip(self.roots)
    }

    fn key_of(&self, case: &Case<'a>) -> Option<(usize, &AccountKey<'a>)> {
        key(&self.cases, &self.index, case.assertion.signer())
    }
}
