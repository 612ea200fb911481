//! The keys of a line, what their values may be, and the lines that they go with.

use std::collections::BTreeSet;

use url::Url;

use super::entry::{ListPath, Location, Rename};
use super::location;
use super::position::Source;
use crate::model::digest::Digest;
use crate::model::platform::Platform;
use crate::model::reference::{is_repository, is_tag};
use crate::model::snap::Channel;

/// What a channel looks like.
const CHANNEL: &str = "`[TRACK/]RISK[/BRANCH]` with the risk `stable`, `candidate`, `beta` or `edge`";

/// A key: what stands before `=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Platform,
    As,
    Verify,
    Repo,
    Version,
    Images,
    Values,
    Set,
    Namespace,
    KubeVersion,
    ApiVersions,
    Channel,
    Revision,
    Arch,
    Basename,
    Snapd,
    Name,
    Sha256,
}

impl Key {
    /// Every key, in the order in which lines are printed.
    pub(super) const ALL: [Self; 18] = [
        Self::Repo,
        Self::Version,
        Self::Channel,
        Self::Revision,
        Self::Arch,
        Self::Basename,
        Self::Snapd,
        Self::Name,
        Self::Sha256,
        Self::Images,
        Self::Values,
        Self::Set,
        Self::Namespace,
        Self::KubeVersion,
        Self::ApiVersions,
        Self::Verify,
        Self::Platform,
        Self::As,
    ];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::As => "as",
            Self::Verify => "verify-key",
            Self::Repo => "repo",
            Self::Version => "version",
            Self::Images => "images",
            Self::Values => "values",
            Self::Set => "set",
            Self::Namespace => "namespace",
            Self::KubeVersion => "kube-version",
            Self::ApiVersions => "api-versions",
            Self::Channel => "channel",
            Self::Revision => "revision",
            Self::Arch => "arch",
            Self::Basename => "basename",
            Self::Snapd => "snapd",
            Self::Name => "name",
            Self::Sha256 => "sha256",
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.word() == word)
    }

    pub(super) const fn repeats(self) -> bool {
        matches!(self, Self::Values | Self::Set | Self::ApiVersions)
    }
}

/// The values of a line's keys, each checked by itself.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) platforms: BTreeSet<Platform>,
    pub(super) rename: Option<Rename>,
    pub(super) verify_key: Option<ListPath>,
    pub(super) repository: Option<Url>,
    pub(super) version: Option<String>,
    pub(super) images: bool,
    pub(super) values: Vec<Location>,
    pub(super) set: Vec<String>,
    pub(super) namespace: Option<String>,
    pub(super) kube_version: Option<String>,
    pub(super) api_versions: Vec<String>,
    pub(super) channel: Option<String>,
    pub(super) revision: Option<u32>,
    pub(super) architecture: Option<String>,
    pub(super) basename: Option<String>,
    pub(super) snapd: bool,
    pub(super) name: Option<String>,
    pub(super) sha256: Option<Digest>,
}

impl Settings {
    /// Takes `value` in, or says what is wrong with it.
    pub(super) fn take(&mut self, key: Key, value: &str, source: &Source) -> Result<(), String> {
        if value.is_empty() {
            return Err(format!("`{}=` has no value", key.word()));
        }
        match key {
            Key::Platform => self.platforms = platforms(value)?,
            Key::As => self.rename = Some(rename(value)?),
            Key::Verify => self.verify_key = Some(location::path(value, source)?),
            Key::Repo => self.repository = Some(location::address(value)?),
            Key::Version => {
                self.version = Some(check(value, "a version such as `v1.12.10`", |text| {
                    text.len() <= 256 && text.chars().any(|c| c.is_ascii_alphanumeric() || c == '*')
                })?);
            }
            Key::Images => self.images = yes(value)?,
            Key::Values => self.values.push(location::location(value, source)?),
            Key::Set => self.set.push(check(value, "`KEY=VALUE`", |text| text.find('=') > Some(0))?),
            Key::Namespace => {
                self.namespace = Some(check(value, "a Kubernetes namespace", is_label)?);
            }
            Key::KubeVersion => {
                self.kube_version = Some(check(value, "a version such as `v1.32.0`", is_kube_version)?);
            }
            Key::ApiVersions => {
                for part in value.split(',') {
                    self.api_versions.push(check(part, "`GROUP/VERSION[/KIND]`", is_api_version)?);
                }
            }
            Key::Channel => {
                self.channel = Some(check(value, CHANNEL, |text| text.parse::<Channel>().is_ok())?);
            }
            Key::Revision => {
                let number = value.parse::<u32>().ok().filter(|number| *number > 0);
                self.revision = Some(number.ok_or_else(|| expected("a whole number from 1", value))?);
            }
            Key::Arch => self.architecture = Some(architecture(value)?),
            Key::Basename => self.basename = Some(check(value, "a file name", is_file_name)?),
            Key::Snapd => self.snapd = yes(value)?,
            Key::Name => {
                let parts = |text: &str| text.split('/').all(is_file_name);
                self.name = Some(check(value, "a relative path without `.` and `..`", parts)?);
            }
            Key::Sha256 => self.sha256 = Some(sha256(value)?),
        }
        Ok(())
    }
}

fn expected(what: &str, value: &str) -> String {
    format!("expected {what}, got `{value}`")
}

fn check(value: &str, what: &str, good: impl Fn(&str) -> bool) -> Result<String, String> {
    if good(value) { Ok(value.to_owned()) } else { Err(expected(what, value)) }
}

fn platforms(value: &str) -> Result<BTreeSet<Platform>, String> {
    value
        .split(',')
        .map(|part| part.trim().parse::<Platform>().map_err(|error| error.to_string()))
        .collect::<Result<_, _>>()
}

fn rename(value: &str) -> Result<Rename, String> {
    let name_at = value.rfind('/').map_or(0, |slash| slash + 1);
    let (repository, tag) = match value.get(name_at..).and_then(|name| name.find(':')) {
        Some(colon) => (value.get(..name_at + colon), value.get(name_at + colon + 1..)),
        None => (Some(value), None),
    };
    let repository = repository.filter(|text| is_repository(text)).ok_or_else(|| {
        expected("`PATH[:TAG]` in lower case, without a host and below the destination's prefix", value)
    })?;
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err(expected(
            "a tag after the colon, up to 128 of `a-z A-Z 0-9 _ . -` not beginning with `.` or `-`",
            value,
        ));
    }
    Ok(Rename { repository: repository.to_owned(), tag: tag.map(str::to_owned) })
}

fn yes(value: &str) -> Result<bool, String> {
    match value {
        "yes" => Ok(true),
        "no" => Ok(false),
        other => Err(expected("`yes` or `no`", other)),
    }
}

/// PowerShell prints digests in upper case, sha256sum and registries in lower case; both are taken.
fn sha256(value: &str) -> Result<Digest, String> {
    let hex = value.strip_prefix("sha256:").unwrap_or(value).to_ascii_lowercase();
    format!("sha256:{hex}").parse().map_err(|_| expected("64 hexadecimal digits", value))
}

/// The architectures of snapd, each with the other names that people know it by.
const ARCHITECTURES: [(&str, &[&str]); 8] = [
    ("amd64", &["x86_64", "x86-64"]),
    ("arm64", &["aarch64"]),
    ("armhf", &["arm", "armv7", "armv7l"]),
    ("i386", &["386", "i686", "x86"]),
    ("ppc64el", &["ppc64le"]),
    ("s390x", &[]),
    ("riscv64", &[]),
    ("all", &[]),
];

fn architecture(value: &str) -> Result<String, String> {
    if ARCHITECTURES.iter().any(|(name, _)| *name == value) {
        return Ok(value.to_owned());
    }
    if let Some((name, _)) = ARCHITECTURES.iter().find(|(_, others)| others.contains(&value)) {
        return Err(format!("`{value}` is `{name}` in snapd's words: write `arch={name}`"));
    }
    let names: Vec<_> = ARCHITECTURES.iter().map(|(name, _)| *name).collect();
    Err(expected(&format!("one of {}", names.join(", ")), value))
}

fn is_label(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= 63
        && text.starts_with(plain)
        && text.ends_with(plain)
        && text.chars().all(|c| plain(c) || c == '-')
}

fn is_kube_version(text: &str) -> bool {
    let plain = text.strip_prefix('v').unwrap_or(text);
    plain.starts_with(|c: char| c.is_ascii_digit())
        && plain.contains('.')
        && plain.len() <= 64
        && plain.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'))
}

fn is_api_version(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '/'))
}

fn is_file_name(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && text.len() <= 255 && !text.contains(['/', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(key: Key, value: &str) -> Result<Settings, String> {
        let mut values = Settings::default();
        values.take(key, value, &Source::Stdin).map(|()| values)
    }

    #[test]
    fn values_are_checked() {
        for (key, good, bad) in [
            (Key::Platform, "linux/amd64,linux/arm64", "linux/amd64,"),
            (Key::As, "apps/pause:3.10", "registry.internal:5000/pause"),
            (Key::As, "apps/pause", "Apps"),
            (Key::As, "pause:x", "pause:"),
            (Key::Repo, "https://charts.jetstack.io", "charts.jetstack.io"),
            (Key::Version, "v1.12.10", "-"),
            (Key::Version, ">=1.2", ""),
            (Key::Images, "yes", "true"),
            (Key::Set, "a.b=c", "a"),
            (Key::Namespace, "kube-system", "Kube"),
            (Key::KubeVersion, "v1.32", "latest"),
            (Key::ApiVersions, "monitoring.coreos.com/v1,apps/v1", "a,"),
            (Key::Channel, "1.32-classic/stable", "1.32-classic/sable"),
            (Key::Revision, "17", "x1"),
            (Key::Arch, "armhf", "x86_64"),
            (Key::Basename, "k8s", "a/b"),
            (Key::Name, "bin/setup.sh", "../setup.sh"),
            (Key::Sha256, &"ab".repeat(32), "ab"),
            (Key::Sha256, &"AB".repeat(32), "sha512:ab"),
            (Key::Verify, "./key.pub", "~/key.pub"),
        ] {
            assert!(take(key, good).is_ok(), "{} {good}", key.word());
            assert!(take(key, bad).is_err(), "{} {bad}", key.word());
        }
    }

    #[test]
    fn every_key_is_found_by_its_word() {
        for key in Key::ALL {
            assert_eq!(Key::of(key.word()), Some(key));
        }
    }
}
