//! Assertions that the tests sign themselves, proven and refused.

mod openssl;
mod proofs;
mod roots;
mod snapd;
mod tampered;

use airgap_bundle::model::assertion::{Assertion, Trust};

use crate::fixture::assertions::{Key, account, declaration, revision, root, store_key};

/// The file that the tests' root is said to be from.
const OWN: &str = "own.assert";
/// The file of a snap.
const SNAP: &[u8] = b"hsqs and what follows";

/// Trusts the tests' root.
fn trust() -> Trust {
    Trust::built_in().unwrap().and(OWN, root().as_bytes()).unwrap()
}

/// Parses a stream of the tests, which is one.
fn parsed(parts: &[&str]) -> Vec<Assertion> {
    airgap_bundle::model::assertion::stream(crate::fixture::assertions::stream(parts).as_bytes()).unwrap()
}

/// What stands in the `.assert` of a snap `tea` of `brewer`, revision 7.
fn chain() -> [String; 4] {
    [
        store_key().to_owned(),
        account("brewer").signed(Key::Store),
        declaration("TEA", "tea", "brewer").signed(Key::Store),
        revision(SNAP, "TEA", 7, "brewer").signed(Key::Store),
    ]
}
