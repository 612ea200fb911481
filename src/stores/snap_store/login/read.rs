//! What a login looks like where it is kept: the three forms that snapd reads (`store/tooling/auth.go`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::macaroon::Macaroon;

/// So many discharges of one login.
const MAX_DISCHARGES: usize = 4;
/// The section of what `snapcraft export-login` wrote before version 7.
const SECTION: &str = "[login.ubuntu.com]";

/// What a store is shown.
pub(super) enum Credentials {
    /// The value of `Authorization`, as it is.
    Token(String),
    /// A root, and what Ubuntu One says beside it.
    UbuntuOne(Macaroon, Vec<Macaroon>),
}

/// Reads a login; an error says what is wrong with it, and nothing of what it holds.
pub(super) fn read(text: &str) -> Result<Credentials, &'static str> {
    let text = text.trim();
    match text.chars().next() {
        None => Err("there is nothing in it"),
        Some('{') => json(text),
        Some('[' | '#' | ';') => sections(text),
        Some(_) => encoded(text),
    }
}

/// JSON in base64, as `snapcraft export-login` writes it since version 7.
fn encoded(text: &str) -> Result<Credentials, &'static str> {
    let text: String = text.split(['\r', '\n']).collect();
    let json = STANDARD.decode(text).map_err(|_| "it is neither base64, nor JSON, nor has sections")?;
    let value: Value = serde_json::from_slice(&json).map_err(|_| "there is no JSON in its base64")?;
    let text = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let own = value.get("v").unwrap_or(&Value::Null);
    let kind = text(&value, "t").unwrap_or_default();
    let pair = if kind == "u1-macaroon" { own } else { &value };
    match (text(pair, "r"), text(pair, "d"), kind.as_str(), own.as_str()) {
        (Some(root), Some(discharge), ..) => macaroons(&root, &[discharge]),
        (.., "macaroon", Some(value)) if !value.is_empty() => {
            Ok(Credentials::Token(format!("Macaroon {value}")))
        }
        (.., "bearer", Some(value)) if !value.is_empty() => Ok(Credentials::Token(format!("Bearer {value}"))),
        _ => Err("the JSON in its base64 is of no kind that is known: `u1-macaroon`, `macaroon`, `bearer`"),
    }
}

/// JSON, as snapd itself has kept it.
fn json(text: &str) -> Result<Credentials, &'static str> {
    #[derive(Deserialize)]
    struct Kept {
        #[serde(default)]
        macaroon: String,
        #[serde(default)]
        discharges: Vec<String>,
    }
    let kept: Kept = serde_json::from_str(text).map_err(|_| "its JSON is of another shape")?;
    if kept.macaroon.is_empty() || kept.discharges.is_empty() {
        return Err("`macaroon` or `discharges` is missing in its JSON");
    }
    macaroons(&kept.macaroon, &kept.discharges)
}

/// Sections of `NAME = VALUE`, as `snapcraft export-login` wrote them before version 7.
fn sections(text: &str) -> Result<Credentials, &'static str> {
    let mut lines = text.lines().map(str::trim);
    lines.find(|line| *line == SECTION).ok_or("it has no section `[login.ubuntu.com]`")?;
    let own = lines.take_while(|line| !line.starts_with('['));
    let (mut root, mut discharge) = (None, None);
    for (name, value) in own.filter_map(|line| line.split_once(['=', ':'])) {
        match name.trim() {
            "macaroon" => root = Some(value.trim()),
            "unbound_discharge" => discharge = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    match (root, discharge) {
        (Some(root), Some(discharge)) => macaroons(root, &[discharge]),
        _ => Err("its section `[login.ubuntu.com]` has no `macaroon` and `unbound_discharge`"),
    }
}

fn macaroons(root: &str, discharges: &[String]) -> Result<Credentials, &'static str> {
    if discharges.len() > MAX_DISCHARGES {
        return Err("it has more than four discharges");
    }
    let no_macaroon = "what it has is no macaroon";
    let root = Macaroon::read(root).ok_or(no_macaroon)?;
    let discharges: Option<Vec<Macaroon>> = discharges.iter().map(|text| Macaroon::read(text)).collect();
    Ok(Credentials::UbuntuOne(root, discharges.ok_or(no_macaroon)?))
}

#[cfg(test)]
mod tests {
    use super::super::macaroon::tests::made;
    use super::*;

    fn said(text: &str) -> String {
        match read(text) {
            Ok(Credentials::Token(value)) => value,
            Ok(Credentials::UbuntuOne(root, discharges)) => {
                let discharges: Vec<&str> = discharges.iter().map(Macaroon::text).collect();
                format!("{} {}", root.text(), discharges.join(" "))
            }
            Err(why) => why.to_owned(),
        }
    }

    #[test]
    fn the_three_forms_are_read() {
        let base64 = |json: &str| STANDARD.encode(json);
        let (root, discharge) = (made("root"), made("first"));
        let pair = format!("{root} {discharge}");
        let newest =
            base64(&format!(r#"{{"t": "u1-macaroon", "v": {{"r": "{root}", "d": "{discharge}"}}}}"#));
        let wrapped: Vec<&str> =
            newest.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
        for (text, expected) in [
            (format!("{newest}\n"), pair.as_str()),
            (wrapped.join("\n"), pair.as_str()),
            (base64(&format!(r#"{{"r": "{root}", "d": "{discharge}"}}"#)), pair.as_str()),
            (base64(r#"{"t": "macaroon", "v": "exchanged"}"#), "Macaroon exchanged"),
            (base64(r#"{"t": "bearer", "v": "token"}"#), "Bearer token"),
            (format!(r#"{{"macaroon": "{root}", "discharges": ["{discharge}"]}}"#), pair.as_str()),
            (
                format!(
                    "[other]\nmacaroon = x\n\n[login.ubuntu.com]\nmacaroon = {root}\nunbound_discharge: {discharge}\nemail = a\n[z]\nmacaroon = y\n"
                ),
                pair.as_str(),
            ),
        ] {
            assert_eq!(said(&text), expected, "{text:.80}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_and_nothing_of_it() {
        let root = made("root");
        let base64 = |json: &str| STANDARD.encode(json);
        for (text, expected) in [
            (" \n".to_owned(), "there is nothing in it"),
            ("sEcret!".to_owned(), "it is neither base64, nor JSON, nor has sections"),
            (base64("sEcret"), "there is no JSON in its base64"),
            (
                base64("{}"),
                "the JSON in its base64 is of no kind that is known: `u1-macaroon`, `macaroon`, `bearer`",
            ),
            (
                base64(r#"{"t": "u1-macaroon", "r": "a", "d": "b"}"#),
                "the JSON in its base64 is of no kind that is known: `u1-macaroon`, `macaroon`, `bearer`",
            ),
            (
                base64(r#"{"t": "bearer", "v": ["sEcret"]}"#),
                "the JSON in its base64 is of no kind that is known: `u1-macaroon`, `macaroon`, `bearer`",
            ),
            (base64(r#"{"r": "sEcret", "d": "sEcret"}"#), "what it has is no macaroon"),
            ("{".to_owned(), "its JSON is of another shape"),
            (r#"{"macaroon": "sEcret"}"#.to_owned(), "`macaroon` or `discharges` is missing in its JSON"),
            (
                format!(r#"{{"macaroon": "{root}", "discharges": ["a", "b", "c", "d", "e"]}}"#),
                "it has more than four discharges",
            ),
            (
                "[login.ubuntu.com]\nmacaroon = sEcret\n".to_owned(),
                "its section `[login.ubuntu.com]` has no `macaroon` and `unbound_discharge`",
            ),
            (
                "[login.ubuntu.com]\nmacaroon =\nunbound_discharge =\n".to_owned(),
                "what it has is no macaroon",
            ),
        ] {
            assert_eq!(said(&text), expected, "{text:.80}");
        }
    }
}
