//! The forms of a line: what its second word is, and which keys go with it.

use super::entry::{DiskFormat, Subject};
use super::key::{Key, Settings};
use super::location::{self, Ending, is_address, is_path};
use super::position::Source;
use crate::model::artifact::Kind;
use crate::model::reference::Reference;
use crate::model::snap;
use crate::model::target::chart_tag;

/// What a line is a form of; README.md, "The list", shows each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Registry(Option<Kind>),
    Disk(DiskFormat, Option<Kind>),
    ChartRepository,
    Chart,
    ChartOrFile,
    Snap,
    SnapFile,
    AssertFile,
    File,
}

const RENDERED: &[Key] =
    &[Key::Images, Key::Values, Key::Set, Key::Namespace, Key::KubeVersion, Key::ApiVersions];

impl Form {
    /// Decides by kind word, the word after it, and whether the line has `repo=`.
    pub(super) fn of(kind: Option<Kind>, text: &str, has_repository: bool) -> Self {
        let disk = DiskFormat::ALL.into_iter().find(|format| text.starts_with(format.prefix()));
        let disk = disk.filter(|_| !text.starts_with("oci://"));
        let local = is_path(text) || is_address(text);
        match (kind, disk) {
            (None | Some(Kind::Image | Kind::Artifact | Kind::Chart), Some(format)) => {
                Self::Disk(format, kind)
            }
            (Some(Kind::Chart), None) if has_repository => Self::ChartRepository,
            (Some(Kind::Chart), None) if local => Self::Chart,
            (Some(Kind::Snap), _) if local => Self::SnapFile,
            (Some(Kind::Snap), _) => Self::Snap,
            (Some(Kind::Assert), _) => Self::AssertFile,
            (Some(Kind::File), _) => Self::File,
            (None, None) if local => match Ending::of(text) {
                Ending::Snap => Self::SnapFile,
                Ending::Assert => Self::AssertFile,
                Ending::Tgz => Self::ChartOrFile,
                Ending::Tar | Ending::Other => Self::File,
            },
            (None | Some(Kind::Image | Kind::Artifact | Kind::Chart), None) => Self::Registry(kind),
        }
    }

    /// Returns what people call it, for messages.
    pub(super) const fn noun(self) -> &'static str {
        match self {
            Self::Registry(None) => "a reference without a kind word",
            Self::Registry(Some(Kind::Chart)) => "a chart in a registry",
            Self::Registry(Some(Kind::Artifact)) => "an artifact",
            Self::Registry(_) => "an image",
            Self::Disk(..) => "an image on disk",
            Self::ChartRepository => "a chart of a repository",
            Self::Chart => "a packed chart",
            Self::ChartOrFile => "a `.tgz` without a kind word",
            Self::Snap => "a snap of the store",
            Self::SnapFile => "a snap file",
            Self::AssertFile => "a file of assertions",
            Self::File => "a file",
        }
    }

    /// Returns whether `key` goes with it.
    pub(super) fn takes(self, key: Key) -> bool {
        let of_this = match self {
            Self::Registry(Some(Kind::Chart)) => {
                matches!(key, Key::Version | Key::Verify | Key::Platform) || RENDERED.contains(&key)
            }
            Self::Disk(_, Some(Kind::Chart)) => {
                matches!(key, Key::Verify | Key::Platform) || RENDERED.contains(&key)
            }
            Self::Registry(_) | Self::Disk(..) => matches!(key, Key::Verify | Key::Platform),
            Self::ChartRepository => {
                matches!(key, Key::Repo | Key::Version | Key::Platform) || RENDERED.contains(&key)
            }
            Self::Chart => matches!(key, Key::Sha256 | Key::Platform) || RENDERED.contains(&key),
            Self::ChartOrFile | Self::AssertFile => key == Key::Sha256,
            Self::Snap => {
                matches!(
                    key,
                    Key::Channel | Key::Revision | Key::Arch | Key::Basename | Key::Snapd | Key::Images
                )
            }
            Self::SnapFile => matches!(key, Key::Sha256 | Key::Images),
            Self::File => matches!(key, Key::Sha256 | Key::Name),
        };
        of_this || key == Key::As
    }

    /// Returns whether `key` has a meaning only beside `images=yes`.
    pub(super) fn needs_images(self, key: Key) -> bool {
        let chart = match self {
            Self::Registry(kind) | Self::Disk(_, kind) => kind == Some(Kind::Chart),
            Self::ChartRepository | Self::Chart => true,
            Self::ChartOrFile | Self::Snap | Self::SnapFile | Self::AssertFile | Self::File => false,
        };
        chart && key != Key::Images && (RENDERED.contains(&key) || key == Key::Platform)
    }

    /// Makes the subject of a line, or says what is wrong with its second word.
    pub(super) fn subject(
        self,
        text: &str,
        values: &mut Settings,
        source: &Source,
    ) -> Result<Subject, String> {
        Ok(match self {
            Self::Registry(kind) => Subject::Registry(registry(kind, text, values)?),
            Self::Disk(format, _) => disk(format, text, source)?,
            Self::ChartRepository => Subject::ChartRepository {
                name: chart_name(text)?,
                // Absent only where its value is wrong, which has been told.
                repository: values.repository.take().ok_or_else(String::new)?,
                version: values.version.take(),
            },
            Self::Chart => Subject::Chart(location::location(text, source)?),
            Self::ChartOrFile => Subject::ChartOrFile(location::location(text, source)?),
            Self::Snap => Subject::Snap {
                name: snap_name(text)?,
                channel: values.channel.take(),
                revision: values.revision.take(),
                architecture: values.architecture.take(),
                basename: values.basename.take(),
                snapd: values.snapd,
            },
            Self::SnapFile => Subject::SnapFile(location::location(text, source)?),
            Self::AssertFile => Subject::AssertFile(location::location(text, source)?),
            Self::File => {
                Subject::File { location: location::location(text, source)?, name: values.name.take() }
            }
        })
    }
}

fn registry(kind: Option<Kind>, text: &str, values: &mut Settings) -> Result<Reference, String> {
    if is_path(text) || is_address(text) {
        let redacted = location::redact(text);
        let hint = match kind {
            _ if is_path(text) => {
                format!(
                    "this version carries no image from disk yet; `file {redacted}` carries it as a plain file"
                )
            }
            _ => "leave the scheme out, or write `oci://…`".to_owned(),
        };
        return Err(format!("expected a reference, got `{redacted}`: {hint}"));
    }
    if let Some(why) = location::not_a_path(text) {
        return Err(why);
    }
    if let Some((engine @ ("docker-daemon" | "containers-storage"), _)) = text.split_once(':') {
        return Err(format!("`{engine}:` is not supported: push the image to a registry, and name it there"));
    }
    let plain = text.strip_prefix("oci://").or_else(|| text.strip_prefix("docker://")).unwrap_or(text);
    if kind == Some(Kind::Chart) && plain == text && !text.contains('/') {
        return Err(format!(
            "chart `{text}` says nowhere to get it: write `chart oci://…` (this version carries no chart of an HTTP \
             repository or from disk yet)"
        ));
    }
    if let Some(file) = location::meant_as_file(plain).filter(|_| plain == text) {
        return Err(format!(
            "`{text}` reads as an image of Docker Hub: did you mean `{file}`? (The image is `docker.io/…:TAG`.)"
        ));
    }
    let reference = Reference::parse_bare(plain).map_err(|error| error.to_string())?;
    match values.version.take() {
        Some(version) => chart_version(&reference, &version),
        None => Ok(reference),
    }
}

/// Reads `version=` of a chart in a registry as helm does: it is the tag, with `+` written as `_`.
fn chart_version(reference: &Reference, version: &str) -> Result<Reference, String> {
    let tag = chart_tag(version)
        .ok_or_else(|| format!("a chart in a registry needs one whole version, got `version={version}`"))?;
    match reference.tag() {
        Some(given) if given != tag => {
            Err(format!("the tag is `{given}`, but `version=` says `{version}`: leave one out"))
        }
        _ => Ok(reference.with_tag(Some(&tag))),
    }
}

fn disk(format: DiskFormat, text: &str, source: &Source) -> Result<Subject, String> {
    let rest = text.strip_prefix(format.prefix()).unwrap_or(text);
    if let Some(why) = location::not_a_path(rest) {
        return Err(why);
    }
    let (path, name) = match rest.split_once(':') {
        Some((path, name)) => (path, Some(name)),
        None => (rest, None),
    };
    let good = |name: &str| match (format, name.strip_prefix('@')) {
        (DiskFormat::DockerArchive, Some(number)) => number.parse::<u32>().is_ok(),
        (DiskFormat::DockerArchive, None) => name.parse::<Reference>().is_ok(),
        // `org.opencontainers.image.ref.name` of the OCI image spec, "Pre-Defined Annotation Keys".
        _ => {
            name.len() <= 512
                && name.starts_with(|c: char| c.is_ascii_alphanumeric())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:@+/".contains(c))
        }
    };
    if let Some(name) = name.filter(|name| !good(name)) {
        let what = if format == DiskFormat::DockerArchive { "a reference or `@N`" } else { "a tag" };
        return Err(format!("expected {what} after the path, got `{name}`"));
    }
    Ok(Subject::Disk { format, path: location::path(path, source)?, name: name.map(str::to_owned) })
}

fn chart_name(text: &str) -> Result<String, String> {
    let good = text.len() <= 250
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    if good {
        Ok(text.to_owned())
    } else {
        Err(format!("expected the name of a chart beside `repo=`, got `{}`", location::redact(text)))
    }
}

fn snap_name(text: &str) -> Result<String, String> {
    match location::not_a_path(text) {
        Some(why) => Err(why),
        None if snap::is_name(text) => Ok(text.to_owned()),
        None if Ending::of(text) == Ending::Snap => {
            Err(format!("`{text}` is not the name of a snap: `snap ./{text}` carries a snap that is on disk"))
        }
        None => {
            Err(format!("`{text}` is not the name of a snap: expected lower-case letters, digits and dashes"))
        }
    }
}
