//! The types of assertions that snapd knows (snapd, `asserts/asserts.go`).

use crate::model::snap::GLOBAL_UPLOAD;

/// Who stands for an assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signer {
    /// An authority, named in a header, with an account-key of its own.
    Authority,
    /// Nobody yet: it is a request to one.
    Nobody,
}

/// A type of assertions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// The headers that tell one from another of its type; none where that is not needed here.
    pub(super) key: &'static [&'static str],
    /// The newest format of its headers that is understood.
    pub(super) format: u64,
    pub(super) signer: Signer,
}

/// The header at the end of a primary key that may be missing, and what it is then.
pub(super) const PROVENANCE: (&str, &str) = ("provenance", GLOBAL_UPLOAD);

const fn of(name: &'static str, key: &'static [&'static str]) -> Kind {
    Kind { name, key, format: 0, signer: Signer::Authority }
}

const fn in_format(format: u64, kind: Kind) -> Kind {
    Kind { format, ..kind }
}

const fn request(name: &'static str, key: &'static [&'static str]) -> Kind {
    Kind { signer: Signer::Nobody, ..of(name, key) }
}

/// All of them, by name.
const KINDS: [Kind; 27] = [
    of("account", &["account-id"]),
    in_format(1, of("account-key", &["public-key-sha3-384"])),
    request("account-key-request", &["public-key-sha3-384"]),
    of("aspect-bundle", &[]),
    of("base-declaration", &["series"]),
    of("cluster", &[]),
    of("confdb", &[]),
    of("confdb-control", &[]),
    of("confdb-schema", &[]),
    request("device-session-request", &["brand-id", "model", "serial"]),
    of("hardware-identity", &[]),
    of("model", &["series", "brand-id", "model"]),
    of("preseed", &["series", "brand-id", "model", "system-label"]),
    of("registry", &["account-id", "name"]),
    of("repair", &["brand-id", "repair-id"]),
    of("serial", &["brand-id", "model", "serial"]),
    request("serial-request", &[]),
    of("snap-build", &["snap-sha3-384"]),
    in_format(6, of("snap-declaration", &["series", "snap-id"])),
    of("snap-developer", &["snap-id", "publisher-id"]),
    of(
        "snap-resource-pair",
        &["snap-id", "resource-name", "resource-revision", "snap-revision", "provenance"],
    ),
    of("snap-resource-revision", &["snap-id", "resource-name", "resource-sha3-384", "provenance"]),
    of("snap-revision", &["snap-sha3-384", "provenance"]),
    of("store", &["store"]),
    in_format(2, of("system-user", &["brand-id", "email"])),
    of("validation", &["series", "snap-id", "approved-snap-id", "approved-snap-revision"]),
    of("validation-set", &["series", "account-id", "name", "sequence"]),
];

/// Returns the newest format of a type of assertions that is understood, where that is a type that snapd knows.
pub fn newest_format(kind: &str) -> Option<u64> {
    Kind::named(kind).map(|kind| kind.format)
}

impl Kind {
    /// Returns the type of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        KINDS.into_iter().find(|kind| kind.name == name)
    }
}
