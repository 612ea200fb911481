//! What holds of a chain and what does not, with the sentence that says so.

use airgap_bundle::model::assertion::{Claims, Publisher};
use airgap_bundle::model::sha3::Sha3_384;

use super::{OWN, SNAP, chain, parsed, trust};
use crate::fixture::assertions::{
    Key, Statement, account, account_key, declaration, revision, root, store_key,
};

/// Returns what keeps a stream from being proven, with keys and the snap's hash replaced by words.
fn said(parts: &[&str]) -> String {
    let stream = parsed(parts);
    let trust = trust();
    in_words(match trust.prove(&stream) {
        Ok(_) => "proven".to_owned(),
        Err(error) => {
            assert_eq!(error.exit_code(), 3, "{error}");
            error.to_string()
        }
    })
}

fn in_words(text: String) -> String {
    let keys = [(Key::Root.id(), "ROOT"), (Key::Store.id(), "STORE"), (Key::Other.id(), "OTHER")];
    let snap = (Sha3_384::of(SNAP).base64url(), "SNAP");
    keys.into_iter().chain([snap]).fold(text, |text, (long, word)| text.replace(&long, word))
}

fn store_key_with(name: &str, value: &str) -> String {
    account_key(Key::Store, "canonical").with(name, value).signed(Key::Root)
}

#[test]
fn a_chain_says_which_file_a_snap_is() {
    let [key, account, declaration, revision] = chain();
    // In whatever order, and twice.
    let stream = parsed(&[&revision, &declaration, &account, &key, &revision]);
    let trust = trust();
    let proven = trust.prove(&stream).unwrap();
    let snap = proven.snap(&Sha3_384::of(SNAP)).unwrap();
    let publisher = Publisher {
        id: "brewer".to_owned(),
        username: "brewer".to_owned(),
        display_name: "The brewer".to_owned(),
        validation: "verified".to_owned(),
    };
    assert_eq!((snap.name.as_str(), snap.id.as_str(), snap.revision), ("tea", "TEA", 7));
    assert_eq!((snap.size, snap.sha3_384), (21, Sha3_384::of(SNAP)));
    assert_eq!((&snap.publisher, snap.developer.as_str()), (&publisher, "brewer"));
    assert_eq!((snap.own_root.as_deref(), proven.own_roots()), (Some(OWN), vec![OWN]));
    snap.compare(&Claims::default()).unwrap();
    let claims = Claims {
        size: Some(21),
        name: Some("tea"),
        id: Some("TEA"),
        revision: Some(7),
        provenance: Some("global-upload"),
    };
    snap.compare(&claims).unwrap();
    let other = Claims {
        size: Some(22),
        name: Some("tee"),
        id: Some("TEE"),
        revision: Some(8),
        provenance: Some("own"),
    };
    let error = snap.compare(&other).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert_eq!(
        error.to_string(),
        "snap `tea` has another size than its assertions say: expected 21, got 22\n\
         snap `tea` has another name than its assertions say: expected tea, got tee\n\
         snap `tea` has another id than its assertions say: expected TEA, got TEE\n\
         snap `tea` has another revision than its assertions say: expected 7, got 8\n\
         snap `tea` has another provenance than its assertions say: expected global-upload, got own"
    );
}

#[test]
fn a_chain_of_another_snap_says_nothing() {
    let stream = chain();
    let stream = parsed(&stream.each_ref().map(String::as_str));
    let trust = trust();
    let other = Sha3_384::of(b"another");
    let error = trust.prove(&stream).unwrap().snap(&other).unwrap_err();
    let expected =
        format!("expected assertion `snap-revision/{}`, got `snap-revision/SNAP`", other.base64url());
    assert_eq!((in_words(error.to_string()), error.exit_code()), (expected, 3));
    let error = trust.prove(&[]).unwrap().snap(&Sha3_384::of(SNAP)).unwrap_err();
    assert_eq!(in_words(error.to_string()), "expected assertion `snap-revision/SNAP`, got there is none");
}

#[test]
fn what_is_not_there_is_named() {
    let [key, account, declaration, revision] = chain();
    let parts = [key, account, declaration, revision];
    for (without, expected) in [
        (
            0,
            "assertion `account/brewer`: it is signed with key STORE of `canonical`, and that key is neither among these assertions nor trusted\n\
             assertion `snap-declaration/16/TEA`: it is signed with key STORE of `canonical`, and that key is neither among these assertions nor trusted\n\
             assertion `snap-revision/SNAP`: it is signed with key STORE of `canonical`, and that key is neither among these assertions nor trusted",
        ),
        (
            1,
            "assertion `snap-declaration/16/TEA`: it needs `account/brewer`, which is not there\n\
             assertion `snap-revision/SNAP`: it needs `account/brewer`, which is not there",
        ),
        (2, "assertion `snap-revision/SNAP`: it needs `snap-declaration/16/TEA`, which is not there"),
        (3, "proven"),
        (4, "proven"),
    ] {
        let left: Vec<&str> = parts
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != without)
            .map(|(_, part)| part.as_str())
            .collect();
        assert_eq!(said(&left), expected, "without {without}");
    }
    let other = account_key(Key::Other, "nobody").signed(Key::Root);
    assert_eq!(
        said(&[&other]),
        "assertion `account-key/OTHER`: it needs `account/nobody`, which is not there"
    );
}

#[test]
fn nobody_says_more_than_is_theirs() {
    let key = store_key();
    let brewer = account("brewer").signed(Key::Store);
    let brewers = account_key(Key::Other, "brewer").signed(Key::Root);
    let by_brewer = |statement: Statement| statement.with("authority-id", "brewer").signed(Key::Other);
    let declared = declaration("TEA", "tea", "brewer");
    for (statement, expected) in [
        (by_brewer(account("else")), "`account/else`: its authority has to be `canonical`, and is `brewer`"),
        (
            by_brewer(account_key(Key::Root, "canonical")),
            "`account-key/ROOT`: its authority has to be `canonical`, and is `brewer`",
        ),
        (
            by_brewer(declared.clone()),
            "`snap-declaration/16/TEA`: its authority has to be `canonical`, and is `brewer`",
        ),
        (
            by_brewer(revision(SNAP, "TEA", 7, "brewer")),
            "`snap-revision/SNAP`: its authority has to be `canonical`, and is `brewer`",
        ),
        (
            declared.signed(Key::Other),
            "`snap-declaration/16/TEA`: it is signed for `canonical`, with key OTHER of `brewer`",
        ),
        (
            declared.clone().with("authority-id", "brewer").signed(Key::Store),
            "`snap-declaration/16/TEA`: it is signed for `brewer`, with key STORE of `canonical`",
        ),
    ] {
        let said = said(&[key, &brewer, &brewers, &statement]);
        // Others may lack it, which is no more than a consequence.
        assert_eq!(said.lines().next().unwrap(), format!("assertion {expected}"));
    }
    // What is the brewer's own to say.
    let own = by_brewer(
        Statement::new("store").with("store", "teahouse").with("timestamp", "2018-01-01T00:00:00Z"),
    );
    assert_eq!(said(&[key, &brewer, &brewers, &own]), "proven");
}

#[test]
fn a_publisher_may_let_others_sign_revisions() {
    let [key, brewer, _, _] = chain();
    let maker = account("maker").signed(Key::Store);
    let makers = account_key(Key::Other, "maker").signed(Key::Root);
    let list = "\n  -\n    account-id: maker\n    provenance:\n      - own\n    min-revision: 5\n    max-revision: 7";
    let declared = declaration("TEA", "tea", "brewer").with("revision-authority", list).signed(Key::Store);
    let signed = |number: u64, provenance: &str| {
        let revision = revision(SNAP, "TEA", number, "maker").with("authority-id", "maker");
        revision.with("provenance", provenance).signed(Key::Other)
    };
    for (number, provenance, expected) in [
        (5, "own", "proven".to_owned()),
        (7, "own", "proven".to_owned()),
        (4, "own", "does not let `maker` sign revision 4 of provenance `own`".to_owned()),
        (8, "own", "does not let `maker` sign revision 8 of provenance `own`".to_owned()),
        (7, "other", "does not let `maker` sign revision 7 of provenance `other`".to_owned()),
    ] {
        let expected = match expected.as_str() {
            "proven" => expected,
            _ => format!("assertion `snap-revision/SNAP/{provenance}`: `snap-declaration/16/TEA` {expected}"),
        };
        assert_eq!(said(&[&key, &brewer, &maker, &makers, &declared, &signed(number, provenance)]), expected);
    }
    let broken = declaration("TEA", "tea", "brewer").with("revision-authority", "maker").signed(Key::Store);
    let expected = "assertion `snap-declaration/16/TEA`: header `revision-authority` cannot be understood";
    assert_eq!(said(&[&key, &brewer, &broken]), expected);
}

#[test]
fn a_publisher_may_limit_what_others_sign_to_some_devices() {
    let [key, brewer, _, _] = chain();
    let maker = account("maker").signed(Key::Store);
    let makers = account_key(Key::Other, "maker").signed(Key::Root);
    let revised = revision(SNAP, "TEA", 7, "maker").with("authority-id", "maker").with("provenance", "own");
    let revised = revised.signed(Key::Other);
    let entry = |more: &str| format!("\n  -\n    account-id: maker\n    provenance:\n      - own{more}");
    let devices = |authorities: &str| {
        let declared = declaration("TEA", "tea", "brewer").with("revision-authority", authorities);
        let stream = parsed(&[&key, &brewer, &maker, &makers, &declared.signed(Key::Store), &revised]);
        let trust = trust();
        let proof = trust.prove(&stream).map_err(|error| error.to_string())?.snap(&Sha3_384::of(SNAP));
        let proof = proof.unwrap();
        assert_eq!(proof.provenance, "own");
        Ok::<_, String>(proof.devices)
    };
    let x = "\n    on-store:\n      - x";
    let y = "\n    on-brand:\n      - y\n    on-model:\n      - y/1\n      - y/2";
    let many = (0..10).map(|number| format!("s{number}")).collect::<Vec<_>>().join("\n      - ");
    let shown = (0..8).map(|number| format!("`s{number}`")).collect::<Vec<_>>().join(" or ");
    for (authorities, expected) in [
        (entry(""), None),
        (entry(x), Some("of store `x`".to_owned())),
        (
            entry(&format!("{x}{y}")),
            Some("of store `x` and of brand `y` and of model `y/1` or `y/2`".to_owned()),
        ),
        (
            format!("{}{}", entry(x), entry(y)),
            Some("of store `x`, or of brand `y` and of model `y/1` or `y/2`".to_owned()),
        ),
        // Whom nothing limits is enough, and who may not sign this does not count.
        (format!("{}{}", entry(x), entry("")), None),
        (format!("{}{}", entry(x), entry("\n    min-revision: 8")), Some("of store `x`".to_owned())),
        (entry(&format!("\n    on-store:\n      - {many}")), Some(format!("of store {shown} or 2 more"))),
    ] {
        assert_eq!(devices(&authorities), Ok(expected), "{authorities}");
    }
    let broken = devices(&entry("\n    on-store: x")).unwrap_err();
    assert!(
        broken.starts_with("assertion `snap-declaration/16/TEA`: header `revision-authority` cannot be"),
        "{broken}"
    );
}

#[test]
fn keys_have_names_of_their_own() {
    let named = |key: Key, name: &str| account_key(key, "canonical").with("name", name).signed(Key::Root);
    let (store, other) = (named(Key::Store, "one"), named(Key::Other, "one"));
    let expected = |id: &str, other: &str| {
        format!("assertion `account-key/{id}`: its account has another key of the name `one`, {other}")
    };
    assert_eq!(said(&[&store, &other]), expected("OTHER", "STORE"));
    assert_eq!(said(&[&other, &store]), expected("STORE", "OTHER"));
    assert_eq!(said(&[&store, &store, &named(Key::Other, "two")]), "proven");
    let wrong = "assertion `account-key/STORE`: header `name` is no name of a key";
    for name in ["One", "1", "-one", "one-", "a--b", "a b", "\n  - one"] {
        assert_eq!(said(&[&named(Key::Store, name)]), wrong, "{name}");
    }
}

#[test]
fn times_are_those_of_the_key() {
    let ended = store_key_with("until", "2018-01-01T00:00:00Z");
    let outside = "is signed with key STORE, valid from 2016-04-01T00:00:00Z to 2018-01-01T00:00:00Z";
    for (time, expected) in [
        ("2016-04-01T00:00:00Z", "proven".to_owned()),
        ("2017-12-31T23:59:59.999Z", "proven".to_owned()),
        ("2016-03-31T23:59:59Z", format!("assertion `account/x`: its timestamp is 2016-03-31T23:59:59Z, and it {outside}")),
        ("2018-01-01T00:00:00Z", format!("assertion `account/x`: its timestamp is 2018-01-01T00:00:00Z, and it {outside}")),
        ("2018", "assertion `account/x`: header `timestamp`: `2018` is not a time: expected one such as `2026-05-31T16:00:00Z`".to_owned()),
    ] {
        let account = account("x").with("timestamp", time).signed(Key::Store);
        assert_eq!(said(&[&ended, &account]), expected);
    }
    for (name, value, expected) in [
        ("until", "2016-01-01T00:00:00Z", "its time ends (`until`) before it begins (`since`)"),
        ("since", "", "header `since`: `` is not a time: expected one such as `2026-05-31T16:00:00Z`"),
    ] {
        assert_eq!(
            said(&[&store_key_with(name, value)]),
            format!("assertion `account-key/STORE`: {expected}")
        );
    }
}

#[test]
fn a_clock_is_asked_apart() {
    let ended = store_key_with("until", "2018-01-01T00:00:00Z");
    let account = account("x").signed(Key::Store);
    let stream = parsed(&[&ended, &account]);
    let trust = trust();
    let proven = trust.prove(&stream).unwrap();
    let expired = |at: &str| -> Vec<String> {
        proven.expired(at.parse().unwrap()).iter().map(|expired| in_words(expired.to_string())).collect()
    };
    assert_eq!(expired("2017-12-31T23:59:59Z"), Vec::<String>::new());
    let store = "key STORE of `canonical` is valid from 2016-04-01T00:00:00Z to 2018-01-01T00:00:00Z";
    assert_eq!(expired("2018-01-01T00:00:00Z"), [store]);
    // A clock that has been lost.
    let mut both = expired("1970-01-01T00:00:00Z");
    both.sort();
    assert_eq!(both, ["key ROOT of `canonical` is valid from 2016-04-01T00:00:00Z", store]);
}

#[test]
fn a_key_signs_what_it_may() {
    let limited = |constraints: &str| {
        let key = account_key(Key::Store, "canonical").with("format", "1").with("constraints", constraints);
        key.signed(Key::Root)
    };
    let accounts = limited("\n  -\n    headers:\n      type: account\n      account-id: x-[0-9]+");
    for (id, expected) in [
        ("x-1", "proven"),
        (
            "x-y",
            "assertion `account/x-y`: it is signed with key STORE, which may not sign it (`constraints`)",
        ),
    ] {
        assert_eq!(said(&[&accounts, &account(id).signed(Key::Store)]), expected);
    }
    let regular = limited("\n  -\n    headers:\n      type: account\n      account-id: (");
    let expected = "assertion `account-key/STORE`: header `constraints`: `(` cannot be understood";
    assert_eq!(said(&[&regular]), expected);
}

#[test]
fn what_is_revoked_is_no_snap() {
    let [key, account, declared, revised] = chain();
    // The newer statement counts, whichever comes first.
    let revoked = declaration("TEA", "", "brewer").with("revision", "1").signed(Key::Store);
    for stream in
        [[&key, &account, &declared, &revoked, &revised], [&key, &account, &revoked, &declared, &revised]]
    {
        let stream = parsed(&stream.map(String::as_str));
        let trust = trust();
        let error = trust.prove(&stream).unwrap().snap(&Sha3_384::of(SNAP)).unwrap_err();
        let expected =
            "assertion `snap-declaration/16/TEA`: the snap has been revoked: its `snap-name` is empty";
        assert_eq!((error.to_string().as_str(), error.exit_code()), (expected, 3));
    }
}

#[test]
fn the_last_word_about_a_file_counts() {
    let [key, account, declared, first] = chain();
    let last = revision(SNAP, "TEA", 8, "brewer").with("revision", "1").signed(Key::Store);
    for stream in [[&key, &account, &declared, &first, &last], [&key, &account, &declared, &last, &first]] {
        let stream = parsed(&stream.map(String::as_str));
        assert_eq!(trust().prove(&stream).unwrap().snap(&Sha3_384::of(SNAP)).unwrap().revision, 8);
    }
}

#[test]
fn what_is_not_understood_is_not_proven() {
    let key = store_key();
    let store = |statement: Statement| statement.signed(Key::Store);
    let declared = || declaration("TEA", "tea", "canonical");
    let revised = || revision(SNAP, "TEA", 7, "canonical");
    for (statement, expected) in [
        (store(Statement::new("new-thing")), "`new-thing`: its type is not known"),
        (
            store(declared().with("format", "7")),
            "`snap-declaration/16/TEA`: it has format 7, and this version understands 6 at most",
        ),
        (
            store(account("x").with("format", "1")),
            "`account/x`: it has format 1, and this version understands 0 at most",
        ),
        (store(account("x").with("display-name", "")), "`account/x`: header `display-name` is missing"),
        (store(account("x").with("validation", "\n  - x")), "`account/x`: header `validation` is missing"),
        (
            store(declared().with("publisher-id", "")),
            "`snap-declaration/16/TEA`: header `publisher-id` is missing",
        ),
        (
            store(revised().with("snap-size", "x")),
            "`snap-revision/SNAP`: header `snap-size`: `x` is no number",
        ),
        (
            store(revised().with("snap-revision", "0")),
            "`snap-revision/SNAP`: header `snap-revision` is 0, and the first revision is 1",
        ),
        (
            store(revised().with("snap-sha3-384", "AAAA")),
            "`snap-revision/AAAA`: header `snap-sha3-384`: `AAAA` is no SHA3-384 in base64url",
        ),
        (
            account_key(Key::Other, "canonical")
                .with("public-key-sha3-384", &Key::Root.id())
                .signed(Key::Root),
            "`account-key/ROOT`: its key has another id: expected ROOT, got OTHER",
        ),
        (
            store(
                Statement::new("account-key")
                    .with("public-key-sha3-384", "x")
                    .with("account-id", "canonical"),
            ),
            "`account-key/x`: its key cannot be read: its packet ends too early",
        ),
    ] {
        assert_eq!(said(&[key, &statement]), format!("assertion {expected}"));
    }
}

#[test]
fn a_root_that_nobody_trusts_stands_for_nothing() {
    let own = account_key(Key::Other, "canonical").signed(Key::Other);
    let account = account("x").signed(Key::Other);
    let expected = "assertion `account-key/OTHER`: the keys that stand for it lead back to itself, and to none that is trusted";
    assert_eq!(said(&[&own, &account]), expected);
    // Two that stand for each other.
    let one = account_key(Key::Other, "canonical").signed(Key::Store);
    let two = account_key(Key::Store, "canonical").signed(Key::Other);
    let both = ["OTHER", "STORE"].map(|key| expected.replace("OTHER", key)).join("\n");
    assert_eq!(said(&[&one, &two, &account]), both);
    // The tests' own root, where it has not been asked for.
    let stream = parsed(&[root()]);
    let built_in = airgap_bundle::model::assertion::Trust::built_in().unwrap();
    let error = in_words(built_in.prove(&stream).unwrap_err().to_string());
    assert_eq!(error, expected.replace("OTHER", "ROOT"));
}
