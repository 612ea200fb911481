//! Tests of whole files. What needs keys to sign with is in `tests/suite/assertions`.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

const ROOT: &[u8] = include_bytes!("root.assert");
/// A key id, of nothing.
const ID: &str = "DGOnW4ReT30BEH2FLkwkhcUaUKqqlPxhmV5xu-6YOirDcTgxJkrbR_tr0eBY1fAE";

/// Something in the form of a signature.
fn signature() -> String {
    STANDARD.encode([1, 0xc2, 15, 4, 0, 1, 10, 0, 1, 7, 0, 1, 9, 0xab, 0xcd, 0, 1, 1]) + "\n"
}

/// Headers that every assertion of this type has, and more.
fn headers(more: &str) -> String {
    format!("type: store\nauthority-id: canonical\nstore: foo\n{more}sign-key-sha3-384: {ID}")
}

fn broken(bytes: impl AsRef<[u8]>) -> (usize, String) {
    let mistake = stream(bytes.as_ref()).unwrap_err();
    (mistake.line, mistake.message)
}

#[test]
fn parts_are_told_apart() {
    let sign = signature();
    for (text, signed, body) in [
        (format!("{}\n\n{sign}", headers("")), headers(""), ""),
        (format!("{}\n\n{}", headers(""), sign.trim_end()), headers(""), ""),
        (format!("{}\n\n\n\n{sign}", headers("")), format!("{}\n\n", headers("")), ""),
        (
            format!("{}\n\nTEXT\n\nmore\n\n{sign}", headers("body-length: 10\n")),
            format!("{}\n\nTEXT\n\nmore", headers("body-length: 10\n")),
            "TEXT\n\nmore",
        ),
    ] {
        let assertion = parse(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8_lossy(assertion.signed()), signed);
        assert_eq!(assertion.body(), body.as_bytes());
        assert_eq!(assertion.raw(), text.as_bytes());
        assert_eq!(assertion.to_string(), "store/foo");
        let two = emit([&assertion, &assertion]);
        let again = stream(&two).unwrap();
        assert_eq!((again.len(), emit(&again)), (2, two));
    }
    assert_eq!(stream(b""), Ok(vec![]));
}

#[test]
fn every_break_is_told_with_its_line() {
    let sign = signature();
    let whole = |headers: &str| format!("{headers}\n\n{sign}");
    let body = |length: &str, body: &str| {
        format!("{}\n\n{body}\n\n{sign}", headers(&format!("body-length: {length}\n")))
    };
    let after = |bytes: &[u8]| [whole(&headers("")).as_bytes(), bytes].concat();
    let no_number = |text: &str| format!("header `body-length`: `{text}` is no number");
    for (text, line, message) in [
        (b"\n".to_vec(), 1, "it ends within the headers".to_owned()),
        (b"\n\ntype: store".to_vec(), 1, "expected `name: value`, got ``".to_owned()),
        (headers("").into_bytes(), 1, "it ends within the headers".to_owned()),
        (whole("store: foo").into(), 1, "header `type` is missing".to_owned()),
        (whole("a: b\ntype: ").into(), 2, "header `type` is empty".to_owned()),
        (whole("type:\n  - store").into(), 1, "header `type` holds a list or a map, not text".to_owned()),
        (whole("type: store").into(), 1, "header `authority-id` is missing".to_owned()),
        (whole("type: store\nauthority-id: a").into(), 1, "header `sign-key-sha3-384` is missing".to_owned()),
        (
            whole("type: store\nauthority-id: a\nsign-key-sha3-384: DGOn").into(),
            3,
            "header `sign-key-sha3-384` is no key id: expected 64 characters of base64url".to_owned(),
        ),
        (whole(&headers("").replace("foo", "")).into(), 3, "header `store` is empty".to_owned()),
        (whole(&headers("").replace("foo", "a/b")).into(), 3, "header `store` holds a `/`".to_owned()),
        (
            whole(&headers("").replace("store", "serial-request")).into(),
            2,
            "a request is signed by no authority: header `authority-id` has to go".to_owned(),
        ),
        (whole(&headers("revision: 01\n")).into(), 4, "header `revision`: `01` is no number".to_owned()),
        (whole(&headers("revision: -1\n")).into(), 4, "header `revision`: `-1` is no number".to_owned()),
        (whole(&headers("format: x\n")).into(), 4, "header `format`: `x` is no number".to_owned()),
        (whole(&headers("store: foo\n")).into(), 4, "header `store` is there twice".to_owned()),
        (whole(&headers("a:\n\tb\n")).into(), 5, "expected 4 blanks and a value, got `\\tb`".to_owned()),
        (
            whole(&headers("")).replace('\n', "\r\n").into(),
            1,
            "the line ends with a carriage return".to_owned(),
        ),
        (whole(&headers("a: b\r\n")).into(), 4, "the line ends with a carriage return".to_owned()),
        ([headers("a: ").as_bytes(), b"\n\xff\n\n"].concat(), 5, "the headers are not in UTF-8".to_owned()),
        (body("x", "").into(), 4, no_number("x")),
        (body("05", "12345").into(), 4, no_number("05")),
        (body("-5", "12345").into(), 4, no_number("-5")),
        (
            body("4", "12345").into(),
            7,
            "expected an empty line here, behind 4 bytes of the body (`body-length`)".to_owned(),
        ),
        (
            body("6", "12345").into(),
            8,
            "expected an empty line here, behind 6 bytes of the body (`body-length`)".to_owned(),
        ),
        (
            body("999", "12345").into(),
            4,
            "the body has to have 999 bytes, and the file ends after 32".to_owned(),
        ),
        (
            body("2097153", "12345").into(),
            4,
            "the body has 2097153 bytes, and no more than 2097152 are read".to_owned(),
        ),
        (
            [headers("body-length: 3\n").as_bytes(), b"\n\na\n\xff\n\n", sign.as_bytes()].concat(),
            8,
            "the body is not in UTF-8".to_owned(),
        ),
        (format!("{}\n\n", headers("")).into(), 6, "the signature is missing".to_owned()),
        (format!("{}\n\n\n\n", headers("")).into(), 8, "the signature is missing".to_owned()),
        (
            format!("{}\n\nQQ==\n", headers("")).into(),
            6,
            "the signature cannot be read: its format is not supported: expected 1, got 65".to_owned(),
        ),
        (after(b"AAAA\n"), 6, "the signature cannot be read: there is more behind its end".to_owned()),
        (after(b"\nstore: foo\n"), 8, "it ends within the headers".to_owned()),
        (after(b"\n\n"), 8, "it ends within the headers".to_owned()),
        (after(b"\n\ntype: store\n\nAA==\n"), 8, "expected `name: value`, got ``".to_owned()),
        (
            after(b"\nstore: foo\n\nAA==\n"),
            10,
            "the signature cannot be read: its format is not supported: expected 1, got 0".to_owned(),
        ),
        (
            after(format!("\n{}", whole("type: x")).as_bytes()),
            8,
            "header `authority-id` is missing".to_owned(),
        ),
    ] {
        assert_eq!(broken(&text), (line, message), "{}", String::from_utf8_lossy(&text));
    }
}

#[test]
fn there_are_limits() {
    let sign = signature();
    let long = |length: usize| "a".repeat(length);
    let fits = 128 * 1024 - headers("x: \n").len();
    assert!(stream(format!("{}\n\n{sign}", headers(&format!("x: {}\n", long(fits)))).as_bytes()).is_ok());
    for (text, line, message) in [
        (
            format!("{}\n\n{sign}", headers(&format!("x: {}\n", long(fits + 1)))),
            1,
            "the headers have more than 131072 bytes",
        ),
        (long(200_000), 1, "the headers have more than 131072 bytes"),
        (format!("{}\n\n{}\n", headers(""), long(131_072)), 6, "the signature has more than 131072 bytes"),
        (long(MAX_STREAM + 1), 1, "it has more than 10485760 bytes"),
    ] {
        assert_eq!(broken(&text), (line, message.to_owned()), "{text:.60}");
    }
    let body = |length: usize| {
        format!("{}\n\n{}\n\n{sign}", headers(&format!("body-length: {length}\n")), long(length))
    };
    assert!(stream(body(2 << 20).as_bytes()).is_ok());
    let one = format!("{}\n\n{sign}", headers(""));
    assert_eq!(stream([one.as_str(); 1000].join("\n").as_bytes()).unwrap().len(), 1000);
    let many = [one.as_str(); 1001].join("\n");
    assert_eq!(broken(&many), (7001, "there are more than 1000 assertions".to_owned()));
    let two = parse([one.as_str(); 2].join("\n").as_bytes()).unwrap_err();
    assert_eq!(two.to_string(), "line 8: expected one assertion, and here begins more");
}

#[test]
fn the_root_stands_for_itself() {
    let trust = Trust::built_in().unwrap();
    let root = stream(ROOT).unwrap();
    assert_eq!(emit(&root), ROOT);
    let names: Vec<String> = root.iter().map(ToString::to_string).collect();
    let key = "-CvQKAwRQ5h3Ffn10FILJoEZUXOv6km9FwA80-Rcj-f-6jadQ89VRswHNiEB9Lxk";
    assert_eq!(names, [format!("account-key/{key}"), "account/canonical".to_owned()]);
    let proven = trust.prove(&root).unwrap();
    assert!(proven.own_roots().is_empty());
    assert!(trust.has_account("canonical") && !trust.has_account("other"));
    assert!(trust.has_key(&Sha3_384::from_base64url(key).unwrap()) && !trust.has_key(&Sha3_384::of(b"")));
    let early = proven.expired("2016-03-31T23:59:59Z".parse().unwrap());
    assert_eq!(early.len(), 1);
    assert_eq!(early[0].to_string(), format!("key {key} of `canonical` is valid from 2016-04-01T00:00:00Z"));
    assert!(proven.expired("2016-04-01T00:00:00Z".parse().unwrap()).is_empty());
}

/// Assertions of Canonical's store, which are no part of this repository.
fn real() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/assertions"));
    let Ok(entries) = std::fs::read_dir(folder) else { return vec![] };
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap())
    };
    entries.map(read).collect()
}

#[test]
fn real_assertions_are_read_proven_and_written_back() {
    let trust = Trust::built_in().unwrap();
    let real = real();
    // Where the folder is there, so are all of them.
    assert!(real.is_empty() || real.len() >= 9, "{}", real.len());
    let stores: Vec<u8> =
        real.iter().filter(|(name, _)| name == "model-etc").flat_map(|(_, bytes)| bytes.clone()).collect();
    let store = stream(&stores).unwrap();
    for (name, bytes) in &real {
        let alone = stream(bytes).unwrap();
        assert_eq!(&emit(&alone), bytes, "{name}");
        let whole: Vec<Assertion> = store.iter().chain(&alone).cloned().collect();
        let findings = trust.examine(&whole);
        assert_eq!(findings.wrong(), &[] as &[String], "{name}");
        // What is lacking are accounts and declarations, never a key.
        let lacking = findings.missing().iter().all(|missing| missing.contains(": it needs `"));
        assert!(lacking, "{name}: {:?}", findings.missing());
        // A bit of the signed part flipped, wherever it is.
        for at in (0..alone[0].signed().len()).step_by(37) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            if let Ok(flipped) = stream(&flipped) {
                let whole: Vec<Assertion> = store.iter().cloned().chain(flipped).collect();
                let findings = trust.examine(&whole);
                let keyless =
                    findings.missing().iter().any(|missing| missing.contains("it is signed with key"));
                assert!(keyless || !findings.wrong().is_empty(), "{name} at {at}");
            }
        }
    }
}

#[test]
fn nested_headers_of_a_real_declaration_are_read() {
    for (name, bytes) in real() {
        if name == "prod_decl_go.assert" {
            let declaration = parse(&bytes).unwrap();
            let aliases = declaration.header("aliases").and_then(Value::list).unwrap();
            let target = aliases[0].map().and_then(|alias| alias.get("target")).and_then(Value::text);
            assert_eq!(target, Some("gofmt"));
            assert_eq!(declaration.header("auto-aliases").and_then(Value::list).map(<[Value]>::len), Some(1));
        }
    }
}
