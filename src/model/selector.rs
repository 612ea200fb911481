//! Picks artifacts: `--only X` and `--except X`.
//!
//! A pattern is compared as a whole, never as a part: `cilium` does not take `ghcr.io/canonical/cilium`, `*cilium*`
//! and `*/cilium` do. What it may leave out is what docker lets a reference leave out: the tag, the digest, and on
//! Docker Hub the host and `library/`. So `nginx` takes every tag of `docker.io/library/nginx`, `nginx:1.*` some, and
//! `envoyproxy/*` the same as `docker.io/envoyproxy/*`.

use std::fmt;
use std::str::FromStr;

use super::artifact::Kind;

/// The longest pattern, in bytes.
const MAX: usize = 1024;

/// What `--only` or `--except` was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// Every artifact of a kind.
    Kind(Kind),
    /// Every artifact whose reference fits a pattern, in which `*` is any text, `/` included, and `?` any one
    /// character.
    Pattern(String),
}

impl Selector {
    /// Returns whether it takes an artifact of `kind` whose normalised reference (or, where it has none, name) is
    /// `reference`.
    pub fn takes(&self, kind: Kind, reference: &str) -> bool {
        match self {
            Self::Kind(wanted) => *wanted == kind,
            Self::Pattern(pattern) => readings(reference).any(|reading| fits(pattern, reading.as_str())),
        }
    }
}

impl FromStr for Selector {
    type Err = String;

    /// Parses a kind word, also in the plural, else a pattern; `oci://` and `docker://` in front are dropped.
    fn from_str(text: &str) -> Result<Self, String> {
        let singular = text.strip_suffix('s').unwrap_or(text);
        if let Ok(kind) = text.parse().or_else(|()| singular.parse()) {
            return Ok(Self::Kind(kind));
        }
        let plain = text.strip_prefix("oci://").or_else(|| text.strip_prefix("docker://")).unwrap_or(text);
        if plain.is_empty() || plain.len() > MAX || plain.contains(char::is_control) {
            return Err(format!(
                "expected a kind or a pattern of 1 to {MAX} bytes, got `{}`",
                text.escape_debug()
            ));
        }
        if let Some((first, _)) = plain.split_once(',') {
            return Err(format!(
                "`{plain}` holds a comma: give the flag again for each, beginning with `{first}`"
            ));
        }
        Ok(Self::Pattern(plain.to_owned()))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => f.write_str(kind.word()),
            Self::Pattern(pattern) => f.write_str(pattern),
        }
    }
}

/// All of `--only` and `--except`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// What is wanted; nothing here is everything.
    pub only: Vec<Selector>,
    /// What is not wanted, even where `only` takes it.
    pub except: Vec<Selector>,
}

impl Selection {
    /// Returns whether an artifact is selected.
    pub fn takes(&self, kind: Kind, reference: &str) -> bool {
        let any = |selectors: &[Selector]| selectors.iter().any(|selector| selector.takes(kind, reference));
        (self.only.is_empty() || any(&self.only)) && !any(&self.except)
    }

    /// Returns whether it was given at all.
    pub fn is_given(&self) -> bool {
        !self.only.is_empty() || !self.except.is_empty()
    }

    /// Returns the selectors that take none of `artifacts`: most likely mistyped, worth a warning.
    pub fn idle(&self, artifacts: &[(Kind, &str)]) -> Vec<&Selector> {
        let idle = |selector: &&Selector| {
            !artifacts.iter().any(|(kind, reference)| selector.takes(*kind, reference))
        };
        self.only.iter().chain(&self.except).filter(idle).collect()
    }
}

/// Returns the texts that people may mean the reference by: with and without tag, digest, and Docker Hub's host.
fn readings(reference: &str) -> impl Iterator<Item = String> {
    let (tagged, digest) = match reference.split_once('@') {
        Some((tagged, digest)) => (tagged, Some(digest)),
        None => (reference, None),
    };
    let last = tagged.rfind('/').map_or(0, |slash| slash + 1);
    let colon = tagged.get(last..).and_then(|last| last.find(':')).map(|colon| last + colon);
    let name = colon.and_then(|colon| tagged.get(..colon)).unwrap_or(tagged);
    let by_digest = digest.map(|digest| format!("{name}@{digest}"));
    let whole = [reference.to_owned(), tagged.to_owned(), name.to_owned()];
    whole.into_iter().chain(by_digest).flat_map(|text| {
        let hub = text.strip_prefix("docker.io/").map(str::to_owned);
        let official = hub.as_deref().and_then(|hub| hub.strip_prefix("library/")).map(str::to_owned);
        [Some(text), hub, official].into_iter().flatten()
    })
}

/// Returns whether `pattern` fits the whole of `text`, in time of at most the product of their lengths.
fn fits(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go on after the last star: what follows it, and the text that it has not taken yet.
    let mut star = None;
    loop {
        let before_text = text.clone();
        match (pattern.next(), text.next()) {
            (Some('*'), _) => {
                star = Some((pattern.clone(), before_text.clone()));
                text = before_text;
            }
            (None, None) => return true,
            (Some(wanted), Some(got)) if wanted == '?' || wanted == got => {}
            _ => {
                let Some((after_star, mut untaken)) = star else { return false };
                if untaken.next().is_none() {
                    return false;
                }
                pattern = after_star.clone();
                text = untaken.clone();
                star = Some((after_star, untaken));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PINNED: &str =
        "quay.io/a/b:v1@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn patterns_take_what_people_mean() {
        let nginx = "docker.io/library/nginx:1.27";
        let envoy = "docker.io/envoyproxy/envoy:x";
        let cilium = "ghcr.io/canonical/cilium:1.17";
        for (pattern, reference, taken) in [
            ("docker.io/*", nginx, true),
            ("docker.io/*", envoy, true),
            ("docker.io/*", cilium, false),
            ("nginx", nginx, true),
            ("nginx:1.*", nginx, true),
            ("nginx:1.2?", nginx, true),
            ("nginx:2.*", nginx, false),
            ("library/nginx", nginx, true),
            ("envoyproxy/*", envoy, true),
            ("canonical/*", cilium, false),
            ("cilium", cilium, false),
            ("*/cilium", cilium, true),
            ("*cilium*", cilium, true),
            ("ghcr.io/canonical/cilium", cilium, true),
            ("oci://ghcr.io/*", cilium, true),
            ("ghcr.io/canonical/cil", cilium, false),
            ("quay.io/a/b", PINNED, true),
            ("quay.io/a/b:v1", PINNED, true),
            ("quay.io/a/b@sha256:e3b0*", PINNED, true),
            ("localhost:5000/a", "localhost:5000/a:1", true),
            ("*.sh", "setup.sh", true),
            ("**", "a", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
            ("?", "ä", true),
        ] {
            let selector: Selector = pattern.parse().unwrap();
            assert_eq!(selector.takes(Kind::Image, reference), taken, "{pattern} {reference}");
        }
    }

    #[test]
    fn kinds_are_taken_by_their_word() {
        for word in ["chart", "charts"] {
            let selector: Selector = word.parse().unwrap();
            assert!(selector.takes(Kind::Chart, "a") && !selector.takes(Kind::Image, "chart"));
            assert_eq!(selector.to_string(), "chart");
        }
        for text in ["", "a,b", "a\n"] {
            assert!(text.parse::<Selector>().is_err(), "{text}");
        }
    }

    #[test]
    fn except_wins_over_only_and_idle_selectors_are_told() {
        let selectors = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let selection =
            Selection { only: selectors(&["image", "snap"]), except: selectors(&["docker.io/*"]) };
        let artifacts =
            [(Kind::Image, "docker.io/a/b:1"), (Kind::Image, "quay.io/a/b:1"), (Kind::Chart, "c")];
        let taken: Vec<_> = artifacts
            .iter()
            .filter(|(kind, name)| selection.takes(*kind, name))
            .map(|(_, name)| *name)
            .collect();
        assert_eq!(taken, ["quay.io/a/b:1"]);
        assert_eq!(selection.idle(&artifacts), [&Selector::Kind(Kind::Snap)]);
        assert!(Selection::default().takes(Kind::File, "x"));
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!fits(&"*a".repeat(400), &format!("{}b", "a".repeat(10_000))));
    }
}
