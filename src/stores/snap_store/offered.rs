//! What a store says of a snap, checked: it has to make sense, and to be what was asked for.

use reqwest::Url;

use super::refresh::{Pick, Wanted};
use super::reply;
use super::settings::Settings;
use super::snap::{Download, Publisher, StoreSnap};
use crate::model::error::{Error, Result};
use crate::model::printable::printable;
use crate::model::sha3::Sha3_384;
use crate::model::snap::{Channel, is_name};
use crate::stores::http::Hidden;

/// The largest snap: 1 TiB.
const MAX_SIZE: u64 = 1 << 40;
/// So many architectures are listed at most.
const MAX_ARCHITECTURES: usize = 32;

/// Makes sense of what a store says of a snap.
///
/// Errors: [`Error::Network`] for what makes no sense, [`Error::Mismatch`] where it is not what was asked for.
pub(super) fn offered(
    settings: &Settings,
    wanted: &Wanted,
    outcome: reply::Outcome,
    hidden: &Hidden,
) -> Result<StoreSnap> {
    let what = wanted.to_string();
    let reader = Reader { what: &what, hidden };
    let snap = outcome.snap.ok_or_else(|| reader.lacks("snap"))?;
    let name = reader.word("name", snap.name, is_name)?;
    let revision = snap.revision.ok_or_else(|| reader.lacks("revision"))?;
    let revision = u32::try_from(revision).ok().filter(|number| *number > 0);
    let revision = revision.ok_or_else(|| reader.wrong("revision", "is no number from 1"))?;
    let architectures = architectures(&reader, snap.architectures)?;
    reader.same("name", &wanted.name, &name)?;
    if let Pick::Revision(asked) = &wanted.pick {
        reader.same("revision", &asked.to_string(), &revision.to_string())?;
    }
    if !architectures.iter().any(|one| *one == wanted.architecture || one == "all") {
        reader.same("architecture", &wanted.architecture, &architectures.join(", "))?;
    }
    let base = snap.base.filter(|base| !base.is_empty());
    Ok(StoreSnap {
        id: reader.word("snap-id", snap.snap_id, is_id)?,
        version: reader.word("version", snap.version, is_version)?,
        base: base.map(|base| reader.word("base", Some(base), is_name)).transpose()?,
        kind: reader.parsed("type", snap.kind)?,
        confinement: reader.parsed("confinement", snap.confinement)?,
        publisher: publisher(&reader, snap.publisher)?,
        download: download(&reader, settings, revision, &name, snap.download)?,
        channel: reader.channel("effective-channel", outcome.effective_channel)?,
        redirect: reader.channel("redirect-channel", outcome.redirect_channel)?,
        name,
        revision,
        architectures,
    })
}

fn architectures(reader: &Reader<'_>, mut all: Vec<String>) -> Result<Vec<String>> {
    let good = |text: &String| {
        !text.is_empty()
            && text.len() <= 16
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    if all.is_empty() || all.len() > MAX_ARCHITECTURES || !all.iter().all(good) {
        return Err(reader.wrong("architectures", "is no list of architectures"));
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

fn publisher(reader: &Reader<'_>, publisher: Option<reply::Publisher>) -> Result<Publisher> {
    let publisher = publisher.ok_or_else(|| reader.lacks("publisher"))?;
    let is_word = |text: &str| text.len() <= 32 && text.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    Ok(Publisher {
        id: reader.word("publisher.id", publisher.id, is_id)?,
        username: reader.word("publisher.username", publisher.username, is_id)?,
        validation: reader.word(
            "publisher.validation",
            publisher.validation.or_else(|| Some(String::new())),
            is_word,
        )?,
    })
}

fn download(
    reader: &Reader<'_>,
    settings: &Settings,
    revision: u32,
    name: &str,
    download: Option<reply::Download>,
) -> Result<Download> {
    let download = download.ok_or_else(|| reader.lacks("download"))?;
    let url = download.url.ok_or_else(|| reader.lacks("download.url"))?;
    let size = download.size.filter(|size| (1..=MAX_SIZE).contains(size));
    let hash = download.sha3_384.ok_or_else(|| reader.lacks("download.sha3-384"))?;
    Ok(Download {
        what: format!("revision {revision} of snap `{name}`"),
        url: address(&settings.api, &url).ok_or_else(|| {
            reader.wrong(
                "download.url",
                "is neither an `https` address without a login nor one of the store itself",
            )
        })?,
        size: size.ok_or_else(|| reader.wrong("download.size", "is no number of bytes from 1 to 1 TiB"))?,
        sha3_384: Sha3_384::from_hex(&hash)
            .ok_or_else(|| reader.wrong("download.sha3-384", "is not 96 lower-case hexadecimal digits"))?,
    })
}

/// Reads an address that a store gives: `https` and no login, or of the store's own scheme, host and port.
fn address(store: &Url, text: &str) -> Option<Url> {
    let url: Url = text.parse().ok()?;
    let bare = url.username().is_empty() && url.password().is_none() && url.has_host();
    (bare && (url.scheme() == "https" || url.origin() == store.origin())).then_some(url)
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn is_version(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic())
}

/// Reads fields, and says which one is wrong.
struct Reader<'a> {
    /// What was asked for.
    what: &'a str,
    /// What is not shown, though an answer has it.
    hidden: &'a Hidden,
}

impl Reader<'_> {
    fn word(&self, field: &str, value: Option<String>, good: impl Fn(&str) -> bool) -> Result<String> {
        let value = value.ok_or_else(|| self.lacks(field))?;
        if good(&value) {
            return Ok(value);
        }
        Err(self.wrong(field, &format!("cannot be `{}`", self.shown(&value))))
    }

    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        field: &str,
        value: Option<String>,
    ) -> Result<T> {
        let value = self.word(field, value, is_id)?;
        value
            .parse()
            .map_err(|error| self.wrong(field, &format!("cannot be `{}`: {error}", self.shown(&value))))
    }

    fn shown(&self, value: &str) -> String {
        printable(&self.hidden.cover(value)).chars().take(100).collect()
    }

    fn channel(&self, field: &str, value: Option<String>) -> Result<Option<Channel>> {
        let value = value.filter(|value| !value.is_empty());
        value.map(|value| value.parse().map_err(|_| self.wrong(field, "is not a channel"))).transpose()
    }

    fn same(&self, field: &str, expected: &str, got: &str) -> Result<()> {
        if expected == got {
            return Ok(());
        }
        Err(Error::Mismatch {
            what: format!("{}: the answer is of another snap", self.what),
            expected: format!("{field} `{expected}`"),
            got: format!("{field} `{}`", self.hidden.cover(got)),
        })
    }

    fn lacks(&self, field: &str) -> Error {
        self.wrong(field, "is missing")
    }

    fn wrong(&self, field: &str, why: &str) -> Error {
        let why = format!("the answer makes no sense: `{field}` {why}");
        Error::Network { what: self.what.to_owned(), why, hint: None }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::snap::{Confinement, SnapType};

    fn settings() -> Settings {
        Settings::new("http://store.internal:8080/base".parse().unwrap())
    }

    fn wanted() -> Wanted {
        Wanted { name: "k8s".to_owned(), pick: Pick::Revision(1234), architecture: "amd64".to_owned() }
    }

    fn answer() -> Value {
        json!({
            "result": "download",
            "instance-key": "download-1",
            "effective-channel": "1.32-classic/stable",
            "redirect-channel": null,
            "snap": {
                "name": "k8s",
                "snap-id": "RZqfdiVnnAPAR7ToBBoIXCTqrqCOhG4s",
                "revision": 1234,
                "version": "1.32.1",
                "base": "core20",
                "type": "app",
                "confinement": "classic",
                "architectures": ["arm64", "amd64"],
                "publisher": {"id": "canonical", "username": "canonical", "validation": "verified"},
                "download": {
                    "url": "https://cdn.example/k8s.snap?token=x",
                    "size": 300_000_000,
                    "sha3-384": "ab".repeat(48),
                },
                "epoch": {"read": [0], "write": [0]},
            },
        })
    }

    fn read(answer: Value) -> Result<StoreSnap> {
        offered(&settings(), &wanted(), serde_json::from_value(answer).unwrap(), &Hidden::default())
    }

    #[test]
    fn a_good_answer_is_read() {
        let snap = read(answer()).unwrap();
        assert_eq!((snap.name.as_str(), snap.revision, snap.version.as_str()), ("k8s", 1234, "1.32.1"));
        assert_eq!((snap.kind, snap.confinement), (SnapType::App, Confinement::Classic));
        assert_eq!(snap.architectures, ["amd64", "arm64"]);
        assert_eq!(snap.base.as_deref(), Some("core20"));
        assert_eq!(snap.channel.map(|channel| channel.to_string()).as_deref(), Some("1.32-classic/stable"));
        assert_eq!(snap.publisher.validation, "verified");
        assert_eq!(snap.download.sha3_384, Sha3_384::from([0xab; 48]));
    }

    #[test]
    fn what_may_be_absent_may_be_absent() {
        for pointer in ["/effective-channel", "/snap/base", "/snap/publisher/validation"] {
            for empty in [Value::Null, json!("")] {
                let mut answer = answer();
                *answer.pointer_mut(pointer).unwrap() = empty.clone();
                assert!(read(answer).is_ok(), "{pointer} {empty}");
            }
        }
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_refused() {
        let hash = "ab".repeat(48);
        for (pointer, value) in [
            ("/snap", Value::Null),
            ("/snap/name", json!("../k8s")),
            ("/snap/name", Value::Null),
            ("/snap/snap-id", json!("a/b")),
            ("/snap/snap-id", json!("a".repeat(65))),
            ("/snap/revision", json!(0)),
            ("/snap/revision", json!(1_u64 << 32)),
            ("/snap/revision", Value::Null),
            ("/snap/version", json!("1 2")),
            ("/snap/version", json!("\u{1b}[2J")),
            ("/snap/version", Value::Null),
            ("/snap/base", json!("/etc")),
            ("/snap/type", json!("component")),
            ("/snap/type", Value::Null),
            ("/snap/confinement", json!("none")),
            ("/snap/architectures", json!([])),
            ("/snap/architectures", json!(["amd64", "../x"])),
            ("/snap/publisher", Value::Null),
            ("/snap/publisher/username", json!("a b")),
            ("/snap/publisher/id", Value::Null),
            ("/snap/publisher/validation", json!("Very")),
            ("/snap/download", Value::Null),
            ("/snap/download/size", json!(0)),
            ("/snap/download/size", json!(2_u64 << 40)),
            ("/snap/download/sha3-384", json!("ab")),
            ("/snap/download/sha3-384", json!(hash.to_uppercase())),
            ("/snap/download/url", json!("k8s.snap")),
            ("/snap/download/url", json!("file:///etc/passwd")),
            ("/snap/download/url", json!("ftp://h/k8s.snap")),
            ("/snap/download/url", json!("http://169.254.169.254/latest")),
            ("/snap/download/url", json!("http://store.internal:8081/k8s.snap")),
            ("/snap/download/url", json!("https://user:secret@h/k8s.snap")),
            ("/effective-channel", json!("a/b/c")),
            ("/redirect-channel", json!("\n")),
        ] {
            let mut answer = answer();
            *answer.pointer_mut(pointer).unwrap() = value.clone();
            let error = read(answer).unwrap_err();
            assert!(matches!(error, Error::Network { .. }), "{pointer} {value}: {error}");
            let text = error.to_string();
            assert!(text.contains("the answer makes no sense: `"), "{text}");
            assert!(!text.contains(['\n', '\u{1b}']) && !text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn a_plain_store_may_hand_out_its_own_files() {
        let mut answer = answer();
        *answer.pointer_mut("/snap/download/url").unwrap() = json!("http://store.internal:8080/d/k8s.snap");
        assert!(read(answer).is_ok());
    }

    #[test]
    fn another_snap_than_was_asked_for_is_refused() {
        for (pointer, value, expected, got) in [
            ("/snap/name", json!("microk8s"), "`k8s`", "`microk8s`"),
            ("/snap/revision", json!(1235), "`1234`", "`1235`"),
            ("/snap/architectures", json!(["s390x", "arm64"]), "`amd64`", "`arm64, s390x`"),
        ] {
            let mut answer = answer();
            *answer.pointer_mut(pointer).unwrap() = value;
            let error = read(answer).unwrap_err();
            assert_eq!(error.exit_code(), 3);
            let text = error.to_string();
            assert!(text.contains(expected) && text.contains(got), "{text}");
        }
        let mut answer = answer();
        *answer.pointer_mut("/snap/architectures").unwrap() = json!(["all"]);
        assert!(read(answer).is_ok());
    }
}
