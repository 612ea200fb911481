//! Writes entries as lines that read back as the same entries.

use std::fmt;

use super::entry::{Entry, ListPath, Location, Rendering, Subject};
use super::key::Key;
use super::token::quote;
use crate::model::artifact::Kind;
use crate::model::list::entry::DiskFormat;

/// A line in the making.
struct Words(String);

impl Words {
    fn key(&mut self, key: Key, value: impl fmt::Display) {
        self.0.push(' ');
        self.0.push_str(&quote(&format!("{}={value}", key.word())));
    }

    fn maybe(&mut self, key: Key, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.key(key, value);
        }
    }
}

impl fmt::Display for Location {
    /// Writes the path as it stands in the list, or the whole address with user info and query: for lists, not for
    /// messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(path.written().as_str()),
            Self::Address(url) => f.write_str(url.as_str()),
        }
    }
}

impl fmt::Display for Entry {
    /// Writes the line of a list; several, where [`merge`](super::merge()) made one entry of several lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.renderings.len().max(self.verify_keys.len()).max(1);
        for at in 0..count {
            if at > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&self.line(self.renderings.get(at), self.verify_keys.get(at), Which::Named))?;
        }
        if self.platforms.default && !self.platforms.named.is_empty() {
            f.write_str("\n")?;
            f.write_str(&self.line(None, None, Which::Default))?;
        }
        Ok(())
    }
}

/// Which platforms a line is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Named,
    Default,
}

impl Entry {
    fn line(&self, rendering: Option<&Rendering>, verify_key: Option<&ListPath>, which: Which) -> String {
        let mut words = Words(self.subject_words());
        match &self.subject {
            Subject::ChartRepository { repository, version, .. } => {
                words.key(Key::Repo, repository);
                words.maybe(Key::Version, version.as_ref());
            }
            Subject::Snap { channel, revision, architecture, basename, snapd, .. } => {
                words.maybe(Key::Channel, channel.as_ref());
                words.maybe(Key::Revision, revision.as_ref());
                words.maybe(Key::Arch, architecture.as_ref());
                words.maybe(Key::Basename, basename.as_ref());
                words.maybe(Key::Snapd, snapd.then_some("yes"));
            }
            Subject::File { name, .. } => words.maybe(Key::Name, name.as_ref()),
            Subject::Registry(_)
            | Subject::Disk { .. }
            | Subject::Chart(_)
            | Subject::ChartOrFile(_)
            | Subject::SnapFile(_)
            | Subject::AssertFile(_) => {}
        }
        words.maybe(Key::Sha256, self.sha256.map(|digest| digest.hex()));
        if let Some(rendering) = rendering {
            words.key(Key::Images, "yes");
            rendering.values.iter().for_each(|value| words.key(Key::Values, value));
            rendering.set.iter().for_each(|value| words.key(Key::Set, value));
            words.maybe(Key::Namespace, rendering.namespace.as_ref());
            words.maybe(Key::KubeVersion, rendering.kube_version.as_ref());
            rendering.api_versions.iter().for_each(|value| words.key(Key::ApiVersions, value));
        }
        words.maybe(Key::Verify, verify_key.map(ListPath::written));
        if which == Which::Named && !self.platforms.named.is_empty() {
            let platforms: Vec<_> = self.platforms.named.iter().map(ToString::to_string).collect();
            words.key(Key::Platform, platforms.join(","));
        }
        if let Some(rename) = &self.rename {
            words.key(Key::As, rename);
        }
        words.0
    }

    /// Returns kind word and subject.
    fn subject_words(&self) -> String {
        let (kind, text) = match &self.subject {
            Subject::Registry(reference) => {
                let text = reference.to_string();
                let misread = DiskFormat::ALL.iter().any(|format| text.starts_with(format.prefix()));
                let scheme = if misread || self.kind == Some(Kind::Chart) { "oci://" } else { "" };
                (self.kind, format!("{scheme}{text}"))
            }
            Subject::Disk { format, path, name } => {
                let name = name.as_ref().map(|name| format!(":{name}")).unwrap_or_default();
                (self.kind, format!("{}{}{name}", format.prefix(), path.written()))
            }
            Subject::ChartRepository { name, .. } => (Some(Kind::Chart), name.clone()),
            Subject::Chart(location) => (Some(Kind::Chart), location.to_string()),
            Subject::ChartOrFile(location) => (None, location.to_string()),
            Subject::Snap { name, .. } => (Some(Kind::Snap), name.clone()),
            Subject::SnapFile(location) => (Some(Kind::Snap), location.to_string()),
            Subject::AssertFile(location) => (Some(Kind::Assert), location.to_string()),
            Subject::File { location, .. } => (Some(Kind::File), location.to_string()),
        };
        let text = quote(&text);
        kind.map_or_else(|| text.clone(), |kind| format!("{kind} {text}"))
    }
}
