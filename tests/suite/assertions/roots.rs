//! Which files may be trusted as roots of one's own.

use airgap_bundle::model::assertion::Trust;
use airgap_bundle::model::sha3::Sha3_384;

use super::parsed;
use crate::fixture::assertions::{
    Key, Statement, account, account_key, declaration, root, store_key, stream,
};

/// A root of a brand.
fn brand() -> String {
    let own = |statement: Statement| statement.with("authority-id", "brand").signed(Key::Other);
    stream(&[&own(account("brand")), &own(account_key(Key::Other, "brand"))])
}

#[test]
fn a_root_of_ones_own_stands_beside_the_built_in_one() {
    let trust = Trust::built_in().unwrap().and("brand.assert", brand().as_bytes()).unwrap();
    assert!(trust.has_account("brand") && trust.has_account("canonical"));
    assert!(trust.has_key(&Sha3_384::from_base64url(&Key::Other.id()).unwrap()));
    let declared = declaration("TEA", "tea", "brand").with("authority-id", "brand").signed(Key::Other);
    let stream = parsed(&[&declared]);
    assert_eq!(trust.prove(&stream).unwrap().own_roots(), ["brand.assert"]);
}

#[test]
fn what_is_no_root_is_refused() {
    let key = Key::Root.id();
    for (file, why) in [
        (String::new(), "it holds no account".to_owned()),
        ("type: account".to_owned(), "line 1: it ends within the headers".to_owned()),
        (account("canonical").signed(Key::Root), "it holds no account-key".to_owned()),
        (account_key(Key::Root, "canonical").signed(Key::Root), "it holds no account".to_owned()),
        (
            stream(&[root(), &declaration("TEA", "tea", "canonical").signed(Key::Root)]),
            "`snap-declaration/16/TEA` is neither an account nor an account-key".to_owned(),
        ),
        (
            stream(&[&account("canonical").signed(Key::Root), store_key()]),
            format!(
                "assertion `account/canonical`: it is signed with key {key} of `canonical`, and that key is neither among these assertions nor trusted"
            ),
        ),
        (
            root().replace("display-name: The", "display-name: A"),
            format!(
                "assertion `account/canonical`: its signature is not of key {key}, or it has been changed since"
            ),
        ),
        (
            root().replace("since: 2016", "since: x016"),
            format!(
                "assertion `account-key/{key}`: header `since`: `x016-04-01T00:00:00Z` is not a time: expected one such as `2026-05-31T16:00:00Z`"
            ),
        ),
    ] {
        let error = Trust::built_in().unwrap().and("own.assert", file.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), format!("`own.assert` cannot be trusted as a root: {why}"));
        assert_eq!(error.exit_code(), 2);
    }
}
