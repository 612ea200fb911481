//! What a command did: the document of `--json`, the exit status, and the text for people.

use std::io;

use serde::Serialize;

use super::referrer_row::ReferrerRow;
use crate::model::artifact::Kind;
use crate::model::contents::Artifact;
use crate::model::digest::Digest;
use crate::model::error::{Error, FormatState};
use crate::model::manifest::Manifest;
use crate::model::reference::Reference;
use crate::model::snap::SnapFacts;

/// What to do about a bundle that is not what it was.
const CARRY_AGAIN: &str = "copy the file again from the connected side, and prove it with `airgap-bundle verify`, which names all that is wrong";

/// The result of a command. A command that could not begin returns an [`Error`] instead.
#[derive(Debug, Default)]
pub struct Report {
    /// The verb.
    pub command: &'static str,
    /// The bundle that was read or written.
    pub bundle: Option<BundleRow>,
    /// One row for each artifact.
    pub artifacts: Vec<ArtifactRow>,
    /// Independent warnings, each a lower-case sentence without a period.
    pub warnings: Vec<String>,
    /// Warnings that are said with `--quiet`, too: something is there now that a reader would rely on, and it is otherwise
    /// than they think.
    pub loud: Vec<String>,
    /// Sums.
    pub totals: Totals,
    /// What failed while the rest went on. Not empty means that the exit status is not 0.
    pub failures: Vec<Error>,
    /// Whether the bundle itself announces that it lacks something, which is exit status 4 unless allowed.
    pub incomplete: bool,
    /// Whether a bundle was made, or would be, without what failed: exit status 4, whatever it failed of.
    pub went_without: bool,
    /// Data for stdout: what a person at a terminal, or a pipe, gets without `--json`.
    pub output: Vec<u8>,
    /// What `--json` prints instead of the usual document, for a command with a document of its own.
    pub document: Option<Vec<u8>>,
    /// What to type next, in order.
    pub commands: Vec<String>,
    /// Lines for stderr after everything else: what was done, and what to do next.
    pub summary: Vec<String>,
    /// Data for stdout that comes last of all.
    pub closing: Vec<u8>,
}

/// Which bundle.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BundleRow {
    /// Path as given; of one that was imported, the registry with the prefix.
    pub path: String,
    /// Bundle id.
    pub id: Option<Digest>,
    /// Length of the file in bytes; of one that was imported, of the file that it would be.
    pub size: u64,
    /// Version of the format.
    pub format: u32,
    /// Whether everything that was asked for at export is in it.
    pub complete: bool,
}

/// What happened to an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It was done now.
    Done,
    /// It was there already.
    Present,
    /// It was left alone on purpose.
    Skipped,
    /// containerd has imported it before.
    LoadedBefore,
    /// It failed.
    Failed,
}

/// One artifact; what does not apply is left out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ArtifactRow {
    /// What it is; unknown where it could not be resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// The name part of the reference.
    pub name: String,
    /// The normalised reference.
    pub reference: String,
    /// Digest of the root manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Platforms that are there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
    /// Bytes of its blobs, each once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// What refers to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub referrers: Vec<ReferrerRow>,
    /// Of a plain file: the file itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentRow>,
    /// Of a snap: what is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snap: Option<SnapFacts>,
    /// What happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Where it went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The digest there, where it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_digest: Option<Digest>,
    /// What the name pointed at before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_digest: Option<Digest>,
    /// Why it failed, causes on their own lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A plain file, without the manifest that it has in a bundle.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ContentRow {
    /// The sha256 of its bytes.
    pub digest: Digest,
    /// How many bytes it has.
    pub size: u64,
}

impl ContentRow {
    /// Reads the manifest of a plain file, whose one layer it is.
    pub fn of(manifest: &Manifest) -> Option<Self> {
        let layer = manifest.layers.first()?;
        let row = Self { digest: layer.digest, size: layer.size };
        matches!(layer.digest, Digest::Sha256(_)).then_some(row)
    }
}

impl ArtifactRow {
    /// Makes the row of an artifact with those of what refers to it; all have the same status.
    pub fn with_referrers(artifact: &Artifact, status: Option<Status>) -> Self {
        let row = |referrer| ReferrerRow { status, ..ReferrerRow::from(referrer) };
        let referrers = artifact.referrers.iter().map(row).collect();
        Self { referrers, status, ..Self::from(artifact) }
    }
}

impl From<&Artifact> for ArtifactRow {
    /// Makes the row of an artifact that nothing has happened to yet.
    fn from(artifact: &Artifact) -> Self {
        let name = match artifact.reference.parse::<Reference>() {
            Ok(reference) if !matches!(artifact.kind, Kind::File | Kind::Assert) => {
                reference.repository().rsplit('/').next().unwrap_or_default().to_owned()
            }
            _ => artifact.reference.clone(),
        };
        Self {
            kind: Some(artifact.kind),
            name,
            reference: artifact.reference.clone(),
            digest: Some(artifact.digest),
            platforms: artifact.platforms.clone(),
            size: Some(artifact.size),
            ..Self::default()
        }
    }
}

/// Sums over a command.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Totals {
    /// Artifacts.
    pub artifacts: u64,
    /// Manifests that refer to them, each once.
    #[serde(skip_serializing_if = "is_none")]
    pub referrers: u64,
    /// Blobs, each once.
    pub blobs: u64,
    /// Bytes of those blobs.
    pub bytes: u64,
    /// Bytes that were moved now.
    pub transferred: u64,
    /// Bytes that were there already.
    pub present: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_none(count: &u64) -> bool {
    *count == 0
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    command: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<&'a BundleRow>,
    artifacts: &'a [ArtifactRow],
    warnings: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<String>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    commands: &'a [String],
    totals: &'a Totals,
    seconds: f64,
}

impl Report {
    /// Returns `done`, `partial` or `failed`.
    pub fn status(&self) -> &'static str {
        match self.exit_code() {
            0 => "done",
            4 => "partial",
            _ => "failed",
        }
    }

    /// Returns the exit status; where several hold, the first of 130, 2, 3, 4, 1.
    pub fn exit_code(&self) -> u8 {
        let codes: Vec<u8> = self.failures.iter().map(Error::exit_code).collect();
        if self.went_without && !codes.is_empty() && codes.iter().all(|code| *code < 128) {
            return 4;
        }
        let did_something = self
            .artifacts
            .iter()
            .any(|row| !matches!(row.status, Some(Status::Failed | Status::Skipped) | None));
        if let Some(code) =
            codes.iter().find(|code| **code >= 128).or_else(|| codes.iter().find(|code| **code == 2))
        {
            return *code;
        }
        match (codes.contains(&3), self.incomplete, codes.is_empty()) {
            (true, _, _) => 3,
            (false, true, _) => 4,
            (false, false, true) => 0,
            (false, false, false) => {
                if did_something {
                    4
                } else {
                    1
                }
            }
        }
    }

    /// Returns the document of `--json`, with a line feed.
    pub fn to_json(&self, seconds: f64) -> Vec<u8> {
        let document = Document {
            schema: 1,
            command: self.command,
            status: self.status(),
            bundle: self.bundle.as_ref(),
            artifacts: &self.artifacts,
            warnings: self.warnings.iter().chain(&self.loud).map(String::as_str).collect(),
            errors: self.failures.iter().map(whole).collect(),
            commands: &self.commands,
            totals: &self.totals,
            seconds: (seconds * 1000.0).round() / 1000.0,
        };
        // Plain data with string keys, which JSON can always hold.
        let mut bytes = serde_json::to_vec_pretty(&document).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Returns what to try after one of the failures: its own hint, or what follows from the command.
    pub fn hint(&self, error: &Error) -> Option<String> {
        if let Some(hint) = error.hint() {
            return Some(hint.to_owned());
        }
        match error.root() {
            Error::Format { state: FormatState::Damaged | FormatState::Incomplete, .. } => {
                Some(CARRY_AGAIN.to_owned())
            }
            Error::Mismatch { what, .. } if self.names_bundle(what) => Some(CARRY_AGAIN.to_owned()),
            Error::Io { doing, source } => self.system_hint(doing, source.kind()),
            _ => None,
        }
    }

    /// Returns whether a text says that something was read from the bundle of this command.
    fn names_bundle(&self, what: &str) -> bool {
        self.bundle.as_ref().is_some_and(|bundle| what.contains(&format!("bundle `{}`", bundle.path)))
    }

    fn system_hint(&self, doing: &str, kind: io::ErrorKind) -> Option<String> {
        let reads = ["reading", "opening `", "opening bundle"].iter().any(|word| doing.starts_with(word));
        let flag = match self.command {
            "export" if !reads => "--output",
            "extract" if !reads => "--to",
            "sideload" if !reads => "--containerd-dir",
            _ => {
                return matches!(kind, io::ErrorKind::PermissionDenied)
                    .then(|| "run it as a user who may".to_owned());
            }
        };
        match kind {
            io::ErrorKind::PermissionDenied => {
                Some(format!("run it as a user who may (perhaps root), or name another place with `{flag}`"))
            }
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::NotADirectory | io::ErrorKind::StorageFull => {
                Some(format!("name another place with `{flag}`"))
            }
            _ => None,
        }
    }

    /// Makes the report of a command that could not begin or not go on.
    pub fn failed(command: &'static str, error: Error) -> Self {
        Self { command, failures: vec![error], ..Self::default() }
    }
}

/// Returns a count with its noun: `1 artifact`, `2 artifacts`.
pub fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Returns an error with its causes, one a line.
pub fn whole(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        // `Io` prints its source in its own line already.
        let line = inner.to_string();
        if !text.ends_with(&line) {
            text.push_str("\ncause: ");
            text.push_str(&line);
        }
        cause = inner.source();
    }
    text
}
