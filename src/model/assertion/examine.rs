//! Examines a stream as snapd does before it takes one (snapd, `asserts/database.go`): every signature, who may say what,
//! and whether the keys lead to a root. The order in the stream does not matter.

use std::collections::{BTreeMap, BTreeSet};

use super::constraints::Constraints;
use super::facts::{AccountKey, Facts, Revision};
use super::findings::Findings;
use super::kind::Signer;
use super::{Assertion, SERIES};
use crate::model::sha3::Sha3_384;

/// An assertion, and what has been found out about it.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) assertion: &'a Assertion,
    pub(super) facts: Option<Facts<'a>>,
    pub(super) standing: Standing<'a>,
    /// What a key may sign; known once it is proven.
    constraints: Option<Constraints>,
}

/// How far an assertion is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing<'a> {
    /// Nobody stands for it so far.
    Open,
    /// It breaks a rule.
    Wrong,
    /// A root stands for it: the built-in one, or one from this file.
    Proven(Option<&'a str>),
}

/// Assertions by type and primary key: those of roots before others, the highest revision before lower ones.
pub(super) type Index<'a> = BTreeMap<(&'a str, Vec<&'a str>), usize>;

/// The work in progress.
pub(super) struct Examination<'a> {
    cases: Vec<Case<'a>>,
    /// How many of them are roots: the first ones.
    roots: usize,
    index: Index<'a>,
    /// Whom roots are of.
    trusted: BTreeSet<&'a str>,
    wrong: Vec<String>,
    missing: Vec<String>,
}

impl<'a> Examination<'a> {
    /// Takes roots, each with the file that it is from, and a stream.
    pub(super) fn new(roots: Vec<(&'a Assertion, Option<&'a str>)>, stream: &'a [Assertion]) -> Self {
        let count = roots.len();
        let roots = roots.into_iter().map(|(assertion, place)| (assertion, Standing::Proven(place)));
        let stream = stream.iter().map(|assertion| (assertion, Standing::Open));
        let mut examination = Self {
            cases: Vec::new(),
            roots: count,
            index: Index::new(),
            trusted: BTreeSet::new(),
            wrong: Vec::new(),
            missing: Vec::new(),
        };
        for (assertion, standing) in roots.chain(stream) {
            examination.add(assertion, standing);
        }
        examination
    }

    /// Returns what comes out.
    pub(super) fn finish(mut self) -> Findings<'a> {
        for at in self.roots..self.cases.len() {
            self.check(at);
        }
        while self.spread() {}
        self.check_names();
        for at in self.roots..self.cases.len() {
            self.check_others(at);
            self.check_circle(at);
        }
        Findings {
            cases: self.cases,
            roots: self.roots,
            index: self.index,
            wrong: self.wrong,
            missing: self.missing,
        }
    }

    fn add(&mut self, assertion: &'a Assertion, standing: Standing<'a>) {
        let at = self.cases.len();
        let facts = understood(assertion).and_then(|()| Facts::of(assertion));
        let constraints = match &facts {
            Ok(Facts::Key(key)) if standing != Standing::Open => constraints(key),
            _ => Ok(None),
        };
        self.cases.push(Case { assertion, facts: None, standing, constraints: None });
        match facts.and_then(|facts| Ok((facts, constraints?))) {
            Ok((facts, constraints)) => {
                if let (Facts::Account(account), Standing::Proven(_)) = (&facts, standing) {
                    self.trusted.insert(account.id);
                }
                let place = self.index.entry((assertion.kind(), assertion.key())).or_insert(at);
                let other = self.cases.get(*place).map_or(0, |other| other.assertion.revision());
                if *place >= self.roots && other < assertion.revision() {
                    *place = at;
                }
                if let Some(case) = self.cases.get_mut(at) {
                    case.facts = Some(facts);
                    case.constraints = constraints;
                }
            }
            Err(why) => self.refuse(at, &why),
        }
    }

    /// Writes down that an assertion breaks a rule.
    fn refuse(&mut self, at: usize, why: &str) {
        if let Some(case) = self.cases.get_mut(at) {
            case.standing = Standing::Wrong;
            self.wrong.push(sentence(case.assertion, why));
        }
    }

    /// Writes down what an assertion lacks.
    fn lack(&mut self, at: usize, why: &str) {
        if let Some(case) = self.cases.get(at) {
            self.missing.push(sentence(case.assertion, why));
        }
    }

    /// Checks what the assertion and its key say.
    fn check(&mut self, at: usize) {
        let Some(case) = self.cases.get(at).filter(|case| case.standing == Standing::Open) else { return };
        let assertion = case.assertion;
        if assertion.kind.is_some_and(|kind| kind.signer == Signer::Nobody) {
            self.lack(at, "it is a request, which no authority has signed");
            return;
        }
        let Some((_, key)) = self.key(assertion.signer()) else {
            let (id, authority) = (assertion.signer().base64url(), assertion.authority());
            self.lack(at, &format!("it is signed with key {id} of `{authority}`, and that key is neither among these assertions nor trusted"));
            return;
        };
        if let Err(why) = self.signed(case, key) {
            self.refuse(at, &why);
        }
    }

    fn signed(&self, case: &Case<'a>, key: &AccountKey<'a>) -> Result<(), String> {
        let (assertion, id) = (case.assertion, key.public.id().base64url());
        if !key.public.has_signed(assertion.signed(), assertion.signature()) {
            return Err(format!("its signature is not of key {id}, or it has been changed since"));
        }
        let authority = assertion.authority();
        if key.account != authority {
            return Err(format!("it is signed for `{authority}`, with key {id} of `{}`", key.account));
        }
        let of_store = match &case.facts {
            Some(Facts::Account(_) | Facts::Key(_) | Facts::Declaration(_)) => true,
            Some(Facts::Revision(revision)) => revision.is_of_store(),
            Some(Facts::Other) | None => assertion.kind() == "base-declaration",
        };
        if of_store && !self.trusted.contains(authority) {
            let trusted: Vec<String> = self.trusted.iter().map(|account| format!("`{account}`")).collect();
            return Err(format!("its authority has to be {}, and is `{authority}`", trusted.join(" or ")));
        }
        match assertion.timestamp()? {
            Some(timestamp) if !key.holds_at(timestamp) => {
                Err(format!("its timestamp is {timestamp}, and it is signed with key {id}, {}", key.span()))
            }
            _ => Ok(()),
        }
    }

    /// Lets keys that are proven stand for what they have signed; returns whether that was anything.
    fn spread(&mut self) -> bool {
        let mut any = false;
        for at in self.roots..self.cases.len() {
            let Some(case) = self.cases.get(at).filter(|case| case.standing == Standing::Open) else {
                continue;
            };
            let Some((by, _)) = self.key(case.assertion.signer()) else { continue };
            let Some(signer) = self.cases.get(by) else { continue };
            let Standing::Proven(root) = signer.standing else { continue };
            any = true;
            let headers = case.assertion.headers.values();
            if signer.constraints.as_ref().is_some_and(|constraints| !constraints.allow(headers)) {
                let id = case.assertion.signer().base64url();
                self.refuse(
                    at,
                    &format!("it is signed with key {id}, which may not sign it (`constraints`)"),
                );
                continue;
            }
            let constraints = match &case.facts {
                Some(Facts::Key(key)) => constraints(key),
                _ => Ok(None),
            };
            match constraints {
                Ok(constraints) => {
                    if let Some(case) = self.cases.get_mut(at) {
                        case.constraints = constraints;
                        case.standing = Standing::Proven(root);
                    }
                }
                Err(why) => self.refuse(at, &why),
            }
        }
        any
    }

    /// Checks that no account calls two keys by one name. What one root stands for is nothing to another one.
    fn check_names(&mut self) {
        let mut named = BTreeMap::new();
        let mut again = Vec::new();
        for (at, case) in self.cases.iter().enumerate() {
            let (Some(Facts::Key(key)), Standing::Proven(root)) = (&case.facts, case.standing) else {
                continue;
            };
            // A newer revision of a key takes the place of an older one, with its name.
            let is_newest = self.index.get(&("account-key", case.assertion.key())) == Some(&at);
            let Some(name) = key.name.filter(|_| is_newest) else { continue };
            let first = *named.entry((root, key.account, name)).or_insert(*key.public.id());
            if first != *key.public.id() && at >= self.roots {
                again.push((
                    at,
                    format!("its account has another key of the name `{name}`, {}", first.base64url()),
                ));
            }
        }
        for (at, why) in again {
            self.refuse(at, &why);
        }
    }

    /// Checks a proven assertion against the others that it leans on.
    fn check_others(&mut self, at: usize) {
        let Some(case) = self.cases.get(at) else { return };
        if !matches!(case.standing, Standing::Proven(_)) {
            return;
        }
        let needs: Vec<(&str, Vec<&str>)> = match &case.facts {
            Some(Facts::Key(key)) => vec![("account", vec![key.account])],
            Some(Facts::Declaration(declaration)) => vec![("account", vec![declaration.publisher])],
            Some(Facts::Revision(revision)) => vec![
                ("account", vec![revision.developer]),
                ("snap-declaration", vec![SERIES, revision.snap_id]),
            ],
            Some(Facts::Account(_) | Facts::Other) | None => vec![],
        };
        let lacking: Vec<String> = needs
            .iter()
            .filter(|need| !self.index.contains_key(*need))
            .map(|(kind, key)| format!("it needs `{kind}/{}`, which is not there", key.join("/")))
            .collect();
        let delegated = match &case.facts {
            Some(Facts::Revision(revision)) => self.delegated(case.assertion.authority(), revision),
            _ => Ok(()),
        };
        for why in lacking {
            self.lack(at, &why);
        }
        if let Err(why) = delegated {
            self.refuse(at, &why);
        }
    }

    /// Checks that the publisher lets somebody else than the store sign a revision, where that is so.
    fn delegated(&self, authority: &str, revision: &Revision<'a>) -> Result<(), String> {
        if revision.is_of_store() {
            return Ok(());
        }
        let declaration = self.index.get(&("snap-declaration", vec![SERIES, revision.snap_id]));
        let Some(case) = declaration.and_then(|at| self.cases.get(*at)) else { return Ok(()) };
        match &case.facts {
            Some(Facts::Declaration(declaration))
                if !declaration.authorities.iter().any(|other| other.may_sign(authority, revision)) =>
            {
                let (provenance, number) = (revision.provenance, revision.revision);
                Err(format!(
                    "`{}` does not let `{authority}` sign revision {number} of provenance `{provenance}`",
                    case.assertion
                ))
            }
            _ => Ok(()),
        }
    }

    /// Writes down where keys lead to each other and not to a root.
    fn check_circle(&mut self, at: usize) {
        let mut by = at;
        for _ in self.roots..self.cases.len() {
            let Some(case) = self.cases.get(by).filter(|case| case.standing == Standing::Open) else {
                return;
            };
            let Some((next, _)) = self.key(case.assertion.signer()) else { return };
            if next == at {
                self.lack(at, "the keys that stand for it lead back to itself, and to none that is trusted");
                return;
            }
            by = next;
        }
    }

    /// Returns a key, and which assertion says so.
    fn key(&self, id: &Sha3_384) -> Option<(usize, &AccountKey<'a>)> {
        key(&self.cases, &self.index, id)
    }
}

/// Returns a key, and which assertion says so.
pub(super) fn key<'c, 'a>(
    cases: &'c [Case<'a>],
    index: &Index<'a>,
    id: &Sha3_384,
) -> Option<(usize, &'c AccountKey<'a>)> {
    let id = id.base64url();
    let at = *index.get(&("account-key", vec![id.as_str()]))?;
    match &cases.get(at)?.facts {
        Some(Facts::Key(key)) => Some((at, key)),
        _ => None,
    }
}

/// Checks that this version understands what the assertion may say.
fn understood(assertion: &Assertion) -> Result<(), String> {
    let kind = assertion.kind.ok_or("its type is not known")?;
    if assertion.format() > kind.format {
        let (format, newest) = (assertion.format(), kind.format);
        return Err(format!("it has format {format}, and this version understands {newest} at most"));
    }
    Ok(())
}

fn constraints(key: &AccountKey<'_>) -> Result<Option<Constraints>, String> {
    key.constraints.map(Constraints::parse).transpose()
}

/// Says of an assertion what is the matter with it.
pub(super) fn sentence(assertion: &Assertion, why: &str) -> String {
    format!("assertion `{assertion}`: {why}")
}
