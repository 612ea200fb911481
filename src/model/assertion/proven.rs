//! What a proven stream says about snaps.

use std::cmp::Reverse;

use super::SERIES;
use super::examine::{Case, Standing, sentence};
use super::facts::{Account, Declaration, Facts, Revision};
use super::findings::{Expired, Findings};
use crate::model::error::{Error, Result};
use crate::model::moment::Moment;
use crate::model::sha3::Sha3_384;

/// A stream of which every assertion is proven up to a root, with all that it leans on.
#[derive(Debug)]
pub struct Proven<'a>(pub(super) Findings<'a>);

/// What assertions say about the file of a snap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapProof {
    /// The SHA3-384 of the file.
    pub sha3_384: Sha3_384,
    /// Its size in bytes.
    pub size: u64,
    /// The name of the snap.
    pub name: String,
    /// The id of the snap, which stays when it is renamed.
    pub id: String,
    /// Its revision, from 1.
    pub revision: u64,
    /// Who publishes it.
    pub publisher: Publisher,
    /// The account id of who has built it.
    pub developer: String,
    /// How it came to the store, which its file has to say, too.
    pub provenance: String,
    /// The devices that its publisher limits this provenance to, such as ``of store `x` ``; none where it is for all.
    pub devices: Option<String>,
    /// The file of the root that it is proven with, where that is one of one's own.
    pub own_root: Option<String>,
}

/// Who publishes a snap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publisher {
    /// The account id.
    pub id: String,
    /// The name in addresses of the store; may be empty.
    pub username: String,
    /// The name for people.
    pub display_name: String,
    /// How sure the store is of who it is: `verified`, `starred`, `unproven`.
    pub validation: String,
}

/// What is claimed elsewhere about the file of a snap; what nobody claims is left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Claims<'a> {
    /// The size in bytes.
    pub size: Option<u64>,
    /// The name of the snap.
    pub name: Option<&'a str>,
    /// The id of the snap.
    pub id: Option<&'a str>,
    /// The revision.
    pub revision: Option<u64>,
    /// The provenance.
    pub provenance: Option<&'a str>,
}

impl<'a> Proven<'a> {
    /// As [`Findings::expired`].
    pub fn expired(&self, at: Moment) -> Vec<Expired> {
        self.0.expired(at)
    }

    /// As [`Findings::own_roots`].
    pub fn own_roots(&self) -> Vec<&'a str> {
        self.0.own_roots()
    }

    /// Returns what is said about the file with this SHA3-384.
    ///
    /// Errors: [`Error::Unproven`] where nothing is said about it, or the snap has been revoked.
    pub fn snap(&self, sha3_384: &Sha3_384) -> Result<SnapProof> {
        let mut of_file: Vec<(&Case<'a>, &Revision<'a>)> =
            self.revisions().filter(|(_, revision)| revision.sha3 == *sha3_384).collect();
        // The store's own word counts where somebody else has signed the same file, too, and its last word at that.
        of_file.sort_by_key(|(case, revision)| (!revision.is_of_store(), Reverse(case.assertion.revision())));
        let Some((case, revision)) = of_file.first() else {
            let others: Vec<String> =
                self.revisions().map(|(case, _)| format!("`{}`", case.assertion)).collect();
            let there = if others.is_empty() { "there is none".to_owned() } else { others.join(", ") };
            let named = sha3_384.base64url();
            return Err(unproven(format!("expected assertion `snap-revision/{named}`, got {there}")));
        };
        let id = revision.snap_id;
        let (declared, declaration) = self.declaration(id).ok_or_else(|| {
            unproven(sentence(
                case.assertion,
                &format!("it needs `snap-declaration/{SERIES}/{id}`, which is not there"),
            ))
        })?;
        if declaration.snap_name.is_empty() {
            let why = "the snap has been revoked: its `snap-name` is empty";
            return Err(unproven(sentence(declared.assertion, why)));
        }
        let (account, publisher) = self.account(declaration.publisher).ok_or_else(|| {
            let why = format!("it needs `account/{}`, which is not there", declaration.publisher);
            unproven(sentence(declared.assertion, &why))
        })?;
        Ok(SnapProof {
            sha3_384: *sha3_384,
            size: revision.size,
            name: declaration.snap_name.to_owned(),
            id: id.to_owned(),
            revision: revision.revision,
            publisher: Publisher {
                id: publisher.id.to_owned(),
                username: publisher.username.to_owned(),
                display_name: publisher.display_name.to_owned(),
                validation: publisher.validation.to_owned(),
            },
            developer: revision.developer.to_owned(),
            provenance: revision.provenance.to_owned(),
            devices: declaration.devices(case.assertion.authority(), revision),
            own_root: [case, declared, account]
                .into_iter()
                .find_map(|case| own_root(case))
                .map(str::to_owned),
        })
    }

    fn revisions(&self) -> impl Iterator<Item = (&Case<'a>, &Revision<'a>)> {
        self.0.cases.iter().filter_map(|case| match &case.facts {
            Some(Facts::Revision(revision)) => Some((case, revision)),
            _ => None,
        })
    }

    fn declaration(&self, id: &str) -> Option<(&Case<'a>, &Declaration<'a>)> {
        let case = self.find("snap-declaration", &[SERIES, id])?;
        match &case.facts {
            Some(Facts::Declaration(declaration)) => Some((case, declaration)),
            _ => None,
        }
    }

    fn account(&self, id: &str) -> Option<(&Case<'a>, &Account<'a>)> {
        let case = self.find("account", &[id])?;
        match &case.facts {
            Some(Facts::Account(account)) => Some((case, account)),
            _ => None,
        }
    }

    fn find(&self, kind: &str, key: &[&str]) -> Option<&Case<'a>> {
        self.0.index.get(&(kind, key.to_vec())).and_then(|at| self.0.cases.get(*at))
    }
}

impl SnapProof {
    /// Compares what is said with what is claimed elsewhere.
    ///
    /// Errors: [`Error::Unproven`] with every difference.
    pub fn compare(&self, claims: &Claims<'_>) -> Result<()> {
        let (size, revision) = (self.size.to_string(), self.revision.to_string());
        let claimed = [
            ("size", &size, claims.size.map(|size| size.to_string())),
            ("name", &self.name, claims.name.map(str::to_owned)),
            ("id", &self.id, claims.id.map(str::to_owned)),
            ("revision", &revision, claims.revision.map(|revision| revision.to_string())),
            ("provenance", &self.provenance, claims.provenance.map(str::to_owned)),
        ];
        let differing = claimed.into_iter().filter_map(|(what, expected, got)| {
            let got = got.filter(|got| got != expected)?;
            Some(format!(
                "snap `{}` has another {what} than its assertions say: expected {expected}, got {got}",
                self.name
            ))
        });
        let items: Vec<String> = differing.collect();
        if items.is_empty() { Ok(()) } else { Err(Error::Unproven { items, hint: None }) }
    }
}

fn own_root<'a>(case: &Case<'a>) -> Option<&'a str> {
    match case.standing {
        Standing::Proven(place) => place,
        Standing::Open | Standing::Wrong => None,
    }
}

fn unproven(item: String) -> Error {
    Error::Unproven { items: vec![item], hint: None }
}
