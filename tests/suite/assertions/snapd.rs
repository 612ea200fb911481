//! The rules, against those who made them: snapd's own package takes what we take, and refuses what we refuse.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::SystemTime;

use airgap_bundle::model::assertion::{Trust, stream};
use airgap_bundle::model::moment::Moment;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{SNAP, trust};
use crate::fixture::assertions::{
    Key, Statement, account, account_key, declaration, revision, root, signed, store_key, stream as joined,
};
use crate::go_program::built;
use crate::site::Site;

/// A stream, and what is special about it.
type Case = (String, String);

/// Returns what snapd says of each stream.
fn of_snapd(cases: &[Case]) -> Vec<String> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let site = Site::new().file("root.assert", root());
    let mut snapd = Command::new(BUILT.get_or_init(|| built("snapd")))
        .arg(site.path("root.assert"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = snapd.stdin.take().unwrap();
    let lines: String = cases.iter().fold(String::new(), |mut lines, (_, stream)| {
        writeln!(lines, "{}", STANDARD.encode(stream)).unwrap();
        lines
    });
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = snapd.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let said: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(said.len(), cases.len());
    said
}

/// Returns what we say of a stream, in the words of the program on snapd.
fn ours(text: &str) -> String {
    static TRUST: OnceLock<Trust> = OnceLock::new();
    let parsed = match stream(text.as_bytes()) {
        Ok(parsed) => parsed,
        Err(error) => return format!("malformed: {error}"),
    };
    match TRUST.get_or_init(trust).prove(&parsed) {
        Ok(proven) if proven.expired(Moment::from(SystemTime::now())).is_empty() => "taken".to_owned(),
        Ok(_) => "refused: expired".to_owned(),
        Err(error) => format!("refused: {error}"),
    }
}

/// Fails where one of us takes what the other refuses, with all such cases. Returns how many were taken.
fn agree(cases: &[Case]) -> usize {
    let snapd = of_snapd(cases);
    let mut differences = String::new();
    for ((what, text), snapd) in cases.iter().zip(&snapd) {
        let ours = ours(text);
        if (ours == "taken") != (snapd == "taken") {
            writeln!(differences, "{what}\n  ours: {ours}\n  snapd: {snapd}").unwrap();
        }
    }
    assert!(differences.is_empty(), "{differences}");
    snapd.iter().filter(|said| *said == "taken").count()
}

/// What the store says of a snap `tea` of `brewer`, and of a key of theirs.
fn statements() -> [Statement; 4] {
    [
        account("brewer"),
        account_key(Key::Other, "brewer"),
        declaration("TEA", "tea", "brewer"),
        revision(SNAP, "TEA", 7, "brewer"),
    ]
}

/// Returns a stream of the key of the store and of what it has signed.
fn behind_the_key(signed: &[String]) -> String {
    joined(&[store_key()].into_iter().chain(signed.iter().map(String::as_str)).collect::<Vec<_>>())
}

#[test]
fn every_value_of_every_header_is_looked_at() {
    // `+1` is a number for Go, and no store writes it.
    let values = [
        "",
        "0",
        "1",
        "01",
        "-1",
        "1e3",
        "99",
        "18446744073709551616",
        "a-1",
        "a--1",
        "A b",
        "ä",
        "true",
        "17",
        "canonical",
        "2017-01-01",
        "2017-01-01T00:00:00",
        "2017-01-01T00:00:00.123456789Z",
        "2017-01-01T02:00:00+02:00",
        "2017-01-01T00:00:00z",
        "2017-02-30T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "2999-01-01T00:00:00Z",
        "\n  - a",
        "\n  a: b",
        "\n    text",
    ];
    let right = statements().map(|statement| statement.signed(Key::Store));
    let mut cases = vec![("what is right".to_owned(), behind_the_key(&right))];
    for (at, statement) in statements().iter().enumerate() {
        let further = ["revision", "format", "username", "until"].map(str::to_owned);
        let names: BTreeSet<String> = statement.names().into_iter().chain(further).collect();
        for name in names {
            let mut with = |how: &str, other: Statement| {
                let mut all = right.clone();
                all[at] = other.signed(Key::Store);
                cases.push((format!("{at}: `{name}` is {how:?}"), behind_the_key(&all)));
            };
            with("gone", statement.clone().without(&name));
            for value in values {
                // The newest format of this one is older than `constraints`.
                if (at, name.as_str(), value) != (1, "format", "1") {
                    with(value, statement.clone().with(&name, value));
                }
            }
        }
    }
    let taken = agree(&cases);
    assert!((50..cases.len() - 50).contains(&taken), "{taken} of {}", cases.len());
}

#[test]
fn a_chain_may_be_in_any_order_and_nothing_of_it_may_be_absent() {
    let [brewer, key, declared, revised] = statements().map(|statement| statement.signed(Key::Store));
    let mut cases = Vec::new();
    let all = [store_key(), &brewer, &key, &declared, &revised];
    for without in 0..=all.len() {
        let mut left: Vec<&str> =
            all.iter().enumerate().filter(|(at, _)| *at != without).map(|(_, part)| *part).collect();
        cases.push((format!("without {without}"), joined(&left)));
        left.reverse();
        cases.push((format!("without {without}, from the end"), joined(&left)));
    }
    assert_eq!(agree(&cases), 6);
}

#[test]
fn names_times_and_authorities_are_judged_alike() {
    let [brewer, key, declared, revised] = statements().map(|statement| statement.signed(Key::Store));
    let own = |name: &str, key: Key| account_key(key, "canonical").with("name", name).signed(Key::Root);
    let mut cases = Vec::new();
    for (what, parts) in [
        ("twice", vec![store_key(), store_key(), &brewer, &brewer]),
        ("two keys of one name", vec![store_key(), &own("store", Key::Other)]),
        ("a key of the name of the root", vec![&own("root", Key::Store)]),
        ("two keys of two names", vec![store_key(), &own("other", Key::Other)]),
        (
            "one key of two names",
            vec![
                store_key(),
                &account_key(Key::Store, "canonical")
                    .with("name", "x")
                    .with("revision", "1")
                    .signed(Key::Root),
            ],
        ),
        (
            "a name that an older revision of another key had",
            vec![
                &own("one", Key::Store),
                &account_key(Key::Store, "canonical")
                    .with("name", "two")
                    .with("revision", "1")
                    .signed(Key::Root),
                &own("one", Key::Other),
            ],
        ),
        ("the root itself", vec![root()]),
        ("nothing", vec![]),
        (
            "another declaration",
            vec![store_key(), &brewer, &declaration("TEE", "tea", "brewer").signed(Key::Store), &revised],
        ),
        (
            "two revisions of one",
            vec![
                store_key(),
                &brewer,
                &account("brewer").with("revision", "2").with("validation", "unproven").signed(Key::Store),
            ],
        ),
        (
            "a revision by who is no authority",
            vec![
                store_key(),
                &brewer,
                &key,
                &declared,
                &revision(SNAP, "TEA", 7, "brewer").with("authority-id", "brewer").signed(Key::Other),
            ],
        ),
        (
            "an account by who is no authority",
            vec![store_key(), &brewer, &key, &account("x").with("authority-id", "brewer").signed(Key::Other)],
        ),
        ("a signature of another key", vec![store_key(), &brewer, &key, &account("x").signed(Key::Other)]),
        (
            "an authority without that key",
            vec![store_key(), &brewer, &account("x").with("authority-id", "brewer").signed(Key::Store)],
        ),
        (
            "before the key began",
            vec![store_key(), &account("x").with("timestamp", "2016-03-31T23:59:59Z").signed(Key::Store)],
        ),
        (
            "as the key began",
            vec![store_key(), &account("x").with("timestamp", "2016-04-01T00:00:00Z").signed(Key::Store)],
        ),
        (
            "a key that has ended",
            vec![
                &account_key(Key::Store, "canonical").with("until", "2020-01-01T00:00:00Z").signed(Key::Root),
                &brewer,
            ],
        ),
        (
            "a key that ends",
            vec![
                &account_key(Key::Store, "canonical").with("until", "2990-01-01T00:00:00Z").signed(Key::Root),
                &brewer,
            ],
        ),
        (
            "a key that has not begun",
            vec![
                &account_key(Key::Store, "canonical").with("since", "2990-01-01T00:00:00Z").signed(Key::Root),
            ],
        ),
    ] {
        cases.push((what.to_owned(), joined(&parts)));
    }
    let taken = agree(&cases);
    assert!((8..cases.len() - 8).contains(&taken), "{taken} of {}", cases.len());
}

#[test]
fn whatever_is_written_is_read_alike() {
    let account = account("brewer");
    let content = account.content(Key::Store);
    let at = content.find("display-name").unwrap();
    let with = |text: &str| format!("{}{text}{}", &content[..at], &content[at..]);
    let mut texts: Vec<String> = [
        "x: y\n",
        "x:y\n",
        "x : y\n",
        "x:  y\n",
        "x: y \n",
        "x: \n",
        "x:\n",
        "X: y\n",
        "x1: y\n",
        "1x: y\n",
        "x-: y\n",
        "x--y: z\n",
        "-x: y\n",
        "x_y: z\n",
        "x: y\nx: z\n",
        "x: \ty\n",
        "\n",
        " x: y\n",
        "x\n",
        ": y\n",
        "x:\n  - a\n  - b\n",
        "x:\n  -\n    - a\n",
        "x:\n  - a\n  b: c\n",
        "x:\n  -a\n",
        "x:\n  - \n",
        "x:\n -  a\n",
        "x:\n   - a\n",
        "x:\n  -\n",
        "x:\n  -\n      text\n      more\n",
        "x:\n  a: b\n  c: d\n",
        "x:\n  a: b\n  a: d\n",
        "x:\n  a:\n    b: c\n",
        "x:\n  a:\n    - b\n",
        "x:\n  a:\n        text\n",
        "x:\n  A: b\n",
        "x:\n  a:b\n",
        "x:\n  a: b\n - c\n",
        "x:\n    text\n    more\n",
        "x:\n    text\n\n    more\n",
        "x:\n    text\n  more\n",
        "x:\n      text\n",
        "x:\n    \n",
        "x:\n   text\n",
        "body-length: 0\n",
        "body-length: 1\n",
        "body-length: -1\n",
        "body-length: 00\n",
        "revision: 0\n",
        "format: 0\n",
        "type: account\n",
        "sign-key-sha3-384: x\n",
    ]
    .iter()
    .map(|text| with(text))
    .collect();
    // A carriage return is left out: snapd takes one at the end of a value, and we say that the file has been converted.
    let block = "x:\n  - a\n  -\n    b: c\n    d:\n      - e\nz:\n    f\n    g\n";
    let mut random = fastrand::Rng::with_seed(15);
    for _ in 0..300 {
        let mut text = block.as_bytes().to_vec();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..text.len());
            let byte = *random.choice(b"\n\n\n   -:ax0").unwrap();
            match random.u8(..3) {
                0 => text.insert(at, byte),
                1 => drop(text.remove(at)),
                _ => text[at] = byte,
            }
        }
        texts.extend(String::from_utf8(text).iter().map(|text| with(text)));
    }
    let shown = |text: &String| text.replace(&Key::Store.id(), "STORE");
    let cases: Vec<Case> =
        texts.iter().map(|text| (shown(text), behind_the_key(&[signed(Key::Store, text)]))).collect();
    let taken = agree(&cases);
    assert!((30..cases.len() - 30).contains(&taken), "{taken} of {}", cases.len());
}
