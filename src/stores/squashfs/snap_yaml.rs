//! `meta/snap.yaml`: what a snap says of itself.

use serde::Deserialize;

use super::Squashfs;
use crate::model::error::{Error, Result};
use crate::model::printable::printable;
use crate::model::snap::{Confinement, GLOBAL_UPLOAD, SnapType, is_name, is_provenance};

/// The longest `meta/snap.yaml`: 1 MiB.
const MAX_SIZE: u64 = 1 << 20;
/// Where it is.
const PATH: &str = "meta/snap.yaml";

/// What a snap says of itself, as far as it matters to who installs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapYaml {
    /// Its name.
    pub name: String,
    /// Its version, as it is written.
    pub version: String,
    /// What it is.
    pub kind: SnapType,
    /// The snap that it runs on, as it names it; [`SnapType::needs`] says which has to be installed first.
    pub base: Option<String>,
    /// How much of its host it sees.
    pub confinement: Confinement,
    /// The architectures that it runs on, sorted; `all` where it names none.
    pub architectures: Vec<String>,
    /// How ready it is: `stable` or `devel`.
    pub grade: String,
    /// How it comes to its store, which its snap-revision has to say, too; [`GLOBAL_UPLOAD`] where it says nothing.
    pub provenance: String,
}

/// The same as it is written; everything else is passed over.
#[derive(Deserialize)]
struct Written {
    name: String,
    #[serde(default)]
    version: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    base: Option<String>,
    #[serde(default)]
    confinement: Option<String>,
    #[serde(default)]
    architectures: Vec<String>,
    #[serde(default)]
    grade: Option<String>,
    #[serde(default)]
    provenance: Option<String>,
}

impl SnapYaml {
    /// Reads `meta/snap.yaml`; a sentence says what is wrong with it otherwise.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
        let options = serde_saphyr::options! { with_snippet: false };
        let written: Written = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let words: Vec<String> = error.to_string().split_whitespace().map(printable).collect();
            format!("is no YAML of a snap: {}", words.join(" ").chars().take(300).collect::<String>())
        })?;
        let shown = |text: &str| printable(text).chars().take(100).collect::<String>();
        let wrong = |key: &str, value: &str| format!("has `{key}: {}`, which cannot be", shown(value));
        if !is_name(&written.name) {
            return Err(wrong("name", &written.name));
        }
        if let Some(base) = written.base.as_deref().filter(|base| !is_name(base)) {
            return Err(wrong("base", base));
        }
        let provenance = written.provenance.filter(|provenance| !provenance.is_empty());
        // What goes without saying may not be said, by snapd's rule.
        let is_wrong = |provenance: &&str| *provenance == GLOBAL_UPLOAD || !is_provenance(provenance);
        if let Some(provenance) = provenance.as_deref().filter(is_wrong) {
            return Err(wrong("provenance", provenance));
        }
        let kind =
            written.kind.map_or(Ok(SnapType::App), |kind| kind.parse().map_err(|_| wrong("type", &kind)));
        let confinement = written.confinement.map_or(Ok(Confinement::Strict), |confinement| {
            confinement.parse().map_err(|_| wrong("confinement", &confinement))
        });
        let mut architectures = written.architectures;
        if architectures.is_empty() {
            architectures.push("all".to_owned());
        }
        architectures.sort_unstable();
        architectures.dedup();
        Ok(Self {
            name: written.name,
            version: shown(&written.version.unwrap_or_default()),
            kind: kind?,
            base: written.base,
            confinement: confinement?,
            architectures: architectures.iter().take(32).map(|one| shown(one)).collect(),
            grade: shown(&written.grade.unwrap_or_else(|| "stable".to_owned())),
            provenance: provenance.unwrap_or_else(|| GLOBAL_UPLOAD.to_owned()),
        })
    }
}

impl Squashfs {
    /// Reads what the snap in this image says of itself.
    ///
    /// Errors: [`Error::Unsupported`] where it says nothing, or nothing that a snap says.
    pub fn snap(&mut self) -> Result<SnapYaml> {
        let bytes = self.read(PATH, MAX_SIZE)?;
        let wrong = |why: &str| {
            let message = format!("`{}` is no snap: its `{PATH}` {why}", self.name);
            Error::Unsupported { message, hint: None }
        };
        SnapYaml::parse(&bytes.ok_or_else(|| wrong("is missing"))?).map_err(|why| wrong(&why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_snap_says_is_read() {
        let snap = SnapYaml::parse(
            b"name: k8s\nversion: 1.10\nsummary: |\n  two\n  lines\nbase: core22\nconfinement: classic\n\
              architectures: [arm64, amd64]\ngrade: devel\nprovenance: own-1\napps:\n  k8s: {command: bin/k8s, daemon: simple}\n",
        )
        .unwrap();
        assert_eq!(
            (snap.name.as_str(), snap.version.as_str(), snap.grade.as_str()),
            ("k8s", "1.10", "devel")
        );
        assert_eq!(snap.provenance, "own-1");
        assert_eq!((snap.kind, snap.confinement), (SnapType::App, Confinement::Classic));
        assert_eq!(
            (snap.base.as_deref(), snap.architectures.join(" ").as_str()),
            (Some("core22"), "amd64 arm64")
        );
    }

    #[test]
    fn what_it_leaves_out_has_snapds_defaults() {
        let snap = SnapYaml::parse(b"name: core\ntype: os\nversion: '16-2.58'\n").unwrap();
        assert_eq!((snap.kind, snap.confinement), (SnapType::Core, Confinement::Strict));
        assert_eq!(
            (snap.base, snap.architectures.join(" ").as_str(), snap.grade.as_str()),
            (None, "all", "stable")
        );
        assert_eq!(snap.provenance, "global-upload");
    }

    #[test]
    fn what_no_snap_says_is_refused() {
        for (text, expected) in [
            (&b"\xff"[..], "is not UTF-8"),
            (b"", "is no YAML of a snap"),
            (b"version: 1\n", "is no YAML of a snap"),
            (
                b"name: -\n",
                "is no YAML of a snap: block sequence entries are not allowed in this context at line 1, column 7",
            ),
            (b"name: a\nname: b\n", "is no YAML of a snap"),
            (b"a: &a [x,x]\nb: &b [*a,*a]\nname: ../k8s\n", "has `name: ../k8s`, which cannot be"),
            (b"name: a\nbase: B\n", "has `base: B`, which cannot be"),
            (b"name: a\ntype: x\n", "has `type: x`, which cannot be"),
            (b"name: a\nconfinement: none\n", "has `confinement: none`, which cannot be"),
            (b"name: a\nprovenance: a/b\n", "has `provenance: a/b`, which cannot be"),
            (b"name: a\nprovenance: global-upload\n", "has `provenance: global-upload`, which cannot be"),
        ] {
            let why = SnapYaml::parse(text).unwrap_err();
            assert!(why.contains(expected), "{why}");
        }
    }
}
