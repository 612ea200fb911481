//! What the assertions say that stand between a root and a snap. Whatever they lack is told as a lower-case fragment.

use super::headers::{Value, number};
use super::kind::PROVENANCE;
use super::{Assertion, PublicKey};
use crate::model::moment::Moment;
use crate::model::printable::printable;
use crate::model::sha3::Sha3_384;

/// What an assertion says.
#[derive(Debug)]
pub(super) enum Facts<'a> {
    Account(Account<'a>),
    Key(Box<AccountKey<'a>>),
    Declaration(Declaration<'a>),
    Revision(Revision<'a>),
    /// Something else, which nothing here depends on.
    Other,
}

/// Who somebody is.
#[derive(Clone, Debug)]
pub(super) struct Account<'a> {
    pub(super) id: &'a str,
    pub(super) username: &'a str,
    pub(super) display_name: &'a str,
    pub(super) validation: &'a str,
}

/// Which key somebody signs with, and when.
#[derive(Debug)]
pub(super) struct AccountKey<'a> {
    pub(super) account: &'a str,
    /// What the account calls it; older ones have no name.
    pub(super) name: Option<&'a str>,
    pub(super) public: PublicKey,
    pub(super) since: Moment,
    pub(super) until: Option<Moment>,
    /// What it may sign, where that is not everything; not looked into before somebody stands for the key.
    pub(super) constraints: Option<&'a Value>,
}

/// What a snap is called, and who publishes it.
#[derive(Debug)]
pub(super) struct Declaration<'a> {
    pub(super) snap_name: &'a str,
    pub(super) publisher: &'a str,
    pub(super) authorities: Vec<Authority<'a>>,
}

/// Who else may sign revisions of a snap.
#[derive(Debug)]
pub(super) struct Authority<'a> {
    account: &'a str,
    provenance: Vec<&'a str>,
    revisions: (u64, u64),
    /// What a device has to be of, and the names that do: every list that is there.
    devices: Vec<(&'static str, Vec<&'a str>)>,
}

/// The headers that limit the devices which somebody's revisions are for, and what they name.
const DEVICES: [(&str, &str); 3] = [("on-store", "store"), ("on-brand", "brand"), ("on-model", "model")];
/// So many of the names that a device may have are told.
const MAX_TOLD: usize = 8;

/// Which file a revision of a snap is.
#[derive(Debug)]
pub(super) struct Revision<'a> {
    pub(super) sha3: Sha3_384,
    pub(super) snap_id: &'a str,
    pub(super) size: u64,
    pub(super) revision: u64,
    pub(super) developer: &'a str,
    pub(super) provenance: &'a str,
}

impl<'a> Facts<'a> {
    pub(super) fn of(assertion: &'a Assertion) -> Result<Self, String> {
        Ok(match assertion.kind() {
            "account" => Self::Account(Account::of(assertion)?),
            "account-key" => Self::Key(Box::new(AccountKey::of(assertion)?)),
            "snap-declaration" => Self::Declaration(Declaration::of(assertion)?),
            "snap-revision" => Self::Revision(Revision::of(assertion)?),
            _ => Self::Other,
        })
    }
}

impl<'a> Account<'a> {
    fn of(assertion: &'a Assertion) -> Result<Self, String> {
        timestamp(assertion)?;
        Ok(Self {
            id: filled(assertion, "account-id")?,
            username: optional(assertion, "username")?,
            display_name: filled(assertion, "display-name")?,
            validation: match filled(assertion, "validation")? {
                // An older word for it, which the account of the store itself still has.
                "certified" => "verified",
                validation => validation,
            },
        })
    }
}

impl<'a> AccountKey<'a> {
    fn of(assertion: &'a Assertion) -> Result<Self, String> {
        let public =
            PublicKey::decode(assertion.body()).map_err(|why| format!("its key cannot be read: {why}"))?;
        let named = filled(assertion, "public-key-sha3-384")?;
        if Sha3_384::from_base64url(named) != Some(*public.id()) {
            let id = public.id().base64url();
            return Err(format!("its key has another id: expected {named}, got {id}"));
        }
        let name = match assertion.header("name") {
            None => None,
            Some(name) => Some(
                name.text().filter(|name| is_key_name(name)).ok_or("header `name` is no name of a key")?,
            ),
        };
        let since = assertion.moment("since")?.ok_or("header `since` is missing")?;
        let until = assertion.moment("until")?;
        if until.is_some_and(|until| until < since) {
            return Err("its time ends (`until`) before it begins (`since`)".to_owned());
        }
        let constraints = assertion.header("constraints");
        Ok(Self { account: filled(assertion, "account-id")?, name, public, since, until, constraints })
    }

    /// Returns whether a moment lies in the time of the key, of which the end is no part.
    pub(super) fn holds_at(&self, moment: Moment) -> bool {
        self.since <= moment && self.until.is_none_or(|until| moment < until)
    }

    /// Says when the key holds.
    pub(super) fn span(&self) -> String {
        match self.until {
            Some(until) => format!("valid from {} to {until}", self.since),
            None => format!("valid from {}", self.since),
        }
    }
}

impl<'a> Declaration<'a> {
    fn of(assertion: &'a Assertion) -> Result<Self, String> {
        timestamp(assertion)?;
        let authorities = match assertion.header("revision-authority") {
            None => Vec::new(),
            Some(value) => value
                .list()
                .and_then(|list| list.iter().map(Authority::of).collect())
                .ok_or("header `revision-authority` cannot be understood")?,
        };
        Ok(Self {
            // Empty where the snap has been revoked.
            snap_name: assertion.text("snap-name").ok_or("header `snap-name` is missing")?,
            publisher: filled(assertion, "publisher-id")?,
            authorities,
        })
    }

    /// Says on which devices alone a revision can be installed that `account` has signed, such as ``of store `x` ``; none
    /// where it can be on all.
    pub(super) fn devices(&self, account: &str, revision: &Revision<'_>) -> Option<String> {
        let signing = self.authorities.iter().filter(|authority| authority.may_sign(account, revision));
        let mut limits = signing.map(Authority::limits).collect::<Option<Vec<String>>>()?;
        limits.dedup();
        (!limits.is_empty() && !revision.is_of_store()).then(|| some_of(limits, ", or "))
    }
}

impl<'a> Authority<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        let map = value.map()?;
        let revision =
            |name: &str, default| map.get(name).map_or(Some(default), |value| number(value.text()?));
        let names =
            |value: &'a Value| value.list()?.iter().map(Value::text).collect::<Option<Vec<&'a str>>>();
        let limits = DEVICES.into_iter().filter_map(|(header, what)| Some((what, map.get(header)?)));
        let devices: Option<Vec<_>> = limits.map(|(what, value)| Some((what, names(value)?))).collect();
        Some(Self {
            account: map.get("account-id")?.text()?,
            provenance: names(map.get("provenance")?)?,
            revisions: (revision("min-revision", 1)?, revision("max-revision", u64::MAX)?),
            devices: devices?,
        })
    }

    /// Says which devices its revisions are for, where that is not all of them.
    fn limits(&self) -> Option<String> {
        let limits = self.devices.iter().map(|(what, names)| {
            let names = names.iter().map(|name| format!("`{}`", printable(name))).collect();
            format!("of {what} {}", some_of(names, " or "))
        });
        (!self.devices.is_empty()).then(|| limits.collect::<Vec<_>>().join(" and "))
    }

    /// Returns whether this authority may sign a revision; `account` is who has. On which devices is not asked here.
    pub(super) fn may_sign(&self, account: &str, revision: &Revision<'_>) -> bool {
        let (first, last) = self.revisions;
        self.account == account
            && self.provenance.contains(&revision.provenance)
            && (first..=last).contains(&revision.revision)
    }
}

impl<'a> Revision<'a> {
    fn of(assertion: &'a Assertion) -> Result<Self, String> {
        timestamp(assertion)?;
        let count = |name: &str| {
            let text = filled(assertion, name)?;
            number(text).ok_or_else(|| format!("header `{name}`: `{text}` is no number"))
        };
        let named = filled(assertion, "snap-sha3-384")?;
        let sha3 = Sha3_384::from_base64url(named)
            .ok_or_else(|| format!("header `snap-sha3-384`: `{named}` is no SHA3-384 in base64url"))?;
        let revision = count("snap-revision")?;
        if revision == 0 {
            return Err("header `snap-revision` is 0, and the first revision is 1".to_owned());
        }
        let provenance = match optional(assertion, PROVENANCE.0)? {
            "" => PROVENANCE.1,
            provenance => provenance,
        };
        Ok(Self {
            sha3,
            snap_id: filled(assertion, "snap-id")?,
            size: count("snap-size")?,
            revision,
            developer: filled(assertion, "developer-id")?,
            provenance,
        })
    }

    /// Returns whether it came to the store in the usual way, so that no one but the store may sign it.
    pub(super) fn is_of_store(&self) -> bool {
        self.provenance == PROVENANCE.1
    }
}

/// Joins what there is, up to a bound.
fn some_of(mut all: Vec<String>, between: &str) -> String {
    let more = all.len().saturating_sub(MAX_TOLD);
    all.truncate(MAX_TOLD);
    all.extend((more > 0).then(|| format!("{more} more")));
    all.join(between)
}

/// Returns whether an account may call a key so: words of small letters and digits with hyphens between them, and a letter
/// somewhere.
fn is_key_name(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.split('-').all(is_word) && text.bytes().any(|byte| byte.is_ascii_lowercase())
}

fn filled<'a>(assertion: &'a Assertion, name: &str) -> Result<&'a str, String> {
    assertion.text(name).filter(|text| !text.is_empty()).ok_or_else(|| format!("header `{name}` is missing"))
}

fn optional<'a>(assertion: &'a Assertion, name: &str) -> Result<&'a str, String> {
    match assertion.header(name) {
        None => Ok(""),
        Some(value) => value.text().ok_or_else(|| format!("header `{name}` holds no text")),
    }
}

fn timestamp(assertion: &Assertion) -> Result<Moment, String> {
    assertion.timestamp()?.ok_or_else(|| "header `timestamp` is missing".to_owned())
}
