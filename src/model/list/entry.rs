//! What a line of a list says, as values.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use url::Url;

use super::position::{Position, Source};
use crate::model::artifact::Kind;
use crate::model::digest::Digest;
use crate::model::platform::Platform;
use crate::model::reference::Reference;

/// One artifact that is asked for. [`Subject`] says which; the rest says how much of it, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which artifact.
    pub subject: Subject,
    /// The kind word of a line whose subject does not decide the kind; the manifest must agree with it.
    pub kind: Option<Kind>,
    /// Which platforms.
    pub platforms: Platforms,
    /// `as=`: the name at the destination.
    pub rename: Option<Rename>,
    /// `images=yes`: renderings whose images come along; empty where only the artifact itself is wanted. A snap has
    /// at most one, without settings.
    pub renderings: Vec<Rendering>,
    /// `sha256=` of a path or an address.
    pub sha256: Option<Digest>,
    /// `verify-key=`: public keys, each of which must have signed it.
    pub verify_keys: Vec<ListPath>,
    /// The first character of the (first) line that asks for it.
    pub position: Position,
}

/// Which artifact a line names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// An image, a chart or another artifact in an OCI registry. The reference may be bare (neither tag nor digest)
    /// until [`require`](super::require()) has seen it.
    Registry(Reference),
    /// An image (or another artifact) on disk, in a format of `containers-transports(5)`.
    Disk {
        /// The prefix.
        format: DiskFormat,
        /// Folder or file.
        path: ListPath,
        /// What stands after the second colon: a tag or name in the layout; for a docker archive a reference, or
        /// `@N` for its Nth image.
        name: Option<String>,
    },
    /// A chart of an HTTP(S) chart repository.
    ChartRepository {
        /// The chart's name.
        name: String,
        /// Where `index.yaml` is; may hold user info, which must not be printed.
        repository: Url,
        /// A version or a range of versions as helm takes it; none is the newest stable one.
        version: Option<String>,
    },
    /// A packed chart, or a chart's folder.
    Chart(Location),
    /// Ends in `.tgz`: a chart where there is a `Chart.yaml` in it, otherwise a file.
    ChartOrFile(Location),
    /// A snap of the store.
    Snap {
        /// Its name.
        name: String,
        /// `[TRACK/]RISK[/BRANCH]`; where none is named, the store takes the stable risk of the default track.
        channel: Option<String>,
        /// The revision.
        revision: Option<u32>,
        /// The architecture in snapd's words (`amd64`, `armhf`).
        architecture: Option<String>,
        /// The file name to give it, without `.snap`.
        basename: Option<String>,
        /// Whether the snap of snapd itself comes along.
        snapd: bool,
    },
    /// A snap file; its assertions stand beside it, with the ending `.assert`.
    SnapFile(Location),
    /// A file of assertions.
    AssertFile(Location),
    /// A plain file, or a folder of them.
    File {
        /// Where it is.
        location: Location,
        /// The name to give it: a relative path without `.` and `..`.
        name: Option<String>,
    },
}

/// The formats of images on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiskFormat {
    /// `oci:DIR[:TAG]`: an OCI image layout.
    OciLayout,
    /// `oci-archive:FILE[:TAG]`: an OCI image layout in a tar.
    OciArchive,
    /// `docker-archive:FILE[:REF]`: what `docker save` writes.
    DockerArchive,
}

impl DiskFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::OciLayout, Self::OciArchive, Self::DockerArchive];

    /// Returns the prefix, with its colon.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::OciLayout => "oci:",
            Self::OciArchive => "oci-archive:",
            Self::DockerArchive => "docker-archive:",
        }
    }
}

/// A path on this machine, or an HTTP(S) address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Location {
    /// A path.
    Path(ListPath),
    /// An address; may hold user info and a query, which must not be printed.
    Address(Url),
}

/// A path as it is written in a list, with the folder that it starts from. Two are equal where they lead to the same
/// place without looking at the disk.
#[derive(Clone, Debug)]
pub struct ListPath {
    source: Source,
    written: Utf8PathBuf,
}

impl ListPath {
    /// Makes a path of `source`.
    pub fn new(source: &Source, written: impl Into<Utf8PathBuf>) -> Self {
        Self { source: source.clone(), written: written.into() }
    }

    /// Returns the path as it was written.
    pub fn written(&self) -> &Utf8Path {
        &self.written
    }

    /// Returns the path to open.
    pub fn resolve(&self) -> Utf8PathBuf {
        self.source.folder().join(&self.written)
    }

    fn steps(&self) -> impl Iterator<Item = Utf8Component<'_>> {
        let folder =
            (!self.written.is_absolute()).then(|| self.source.folder().components()).into_iter().flatten();
        folder.chain(self.written.components()).filter(|step| *step != Utf8Component::CurDir)
    }
}

impl PartialEq for ListPath {
    fn eq(&self, other: &Self) -> bool {
        self.steps().eq(other.steps())
    }
}

impl Eq for ListPath {}

impl PartialOrd for ListPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ListPath {
    fn cmp(&self, other: &Self) -> Ordering {
        self.steps().cmp(other.steps())
    }
}

impl Hash for ListPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.steps().for_each(|step| step.hash(state));
    }
}

/// The platforms of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platforms {
    /// Those of `platform=`, which must all be there.
    pub named: BTreeSet<Platform>,
    /// Whether those of the command line are wanted: no line, or not every line, of the artifact has `platform=`.
    pub default: bool,
}

impl Platforms {
    /// Returns the platforms to carry, given those of `--platform`; empty is all, on both sides.
    pub fn wanted(&self, command_line: &[Platform]) -> Vec<Platform> {
        match (self.default, command_line) {
            (true, []) => Vec::new(),
            (true, some) => {
                self.named.iter().chain(some).collect::<BTreeSet<_>>().into_iter().cloned().collect()
            }
            (false, _) => self.named.iter().cloned().collect(),
        }
    }
}

/// `as=PATH[:TAG]`: a name at the destination, below its prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rename {
    /// The repository.
    pub repository: String,
    /// The tag; none keeps the one that it would have had.
    pub tag: Option<String>,
}

impl Rename {
    /// Reads back what `Display` wrote, as it stands in `bundle.json`. Whoever uses it checks the names.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match text.rsplit_once(':') {
            Some((repository, tag)) => Self { repository: repository.to_owned(), tag: Some(tag.to_owned()) },
            None => Self { repository: text.to_owned(), tag: None },
        }
    }
}

impl std::fmt::Display for Rename {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.repository)?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))
    }
}

/// How a chart is rendered to find its images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendering {
    /// `values=`, in order.
    pub values: Vec<Location>,
    /// `set=`, in order, each `KEY=VALUE` in helm's syntax.
    pub set: Vec<String>,
    /// `namespace=`.
    pub namespace: Option<String>,
    /// `kube-version=`.
    pub kube_version: Option<String>,
    /// `api-versions=`, in order.
    pub api_versions: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_equal_where_they_lead_to_the_same_place() {
        let list = Source::file("lists/a.txt");
        let path = |written: &str| ListPath::new(&list, written);
        assert_eq!(path("./a"), path("a"));
        assert_eq!(path("a"), ListPath::new(&Source::Stdin, "lists/a"));
        assert_ne!(path("a"), ListPath::new(&Source::Stdin, "a"));
        assert_eq!(path("/a").resolve(), "/a");
        assert_eq!(path("a").resolve(), "lists/a");
    }

    #[test]
    fn platforms_of_the_line_win_unless_some_line_has_none() {
        let platform = |text: &str| text.parse::<Platform>().unwrap();
        let (amd64, arm64) = (platform("linux/amd64"), platform("linux/arm64"));
        let named = BTreeSet::from([amd64.clone()]);
        let of = |default, given: &[Platform]| Platforms { named: named.clone(), default }.wanted(given);
        assert_eq!(of(false, std::slice::from_ref(&arm64)), std::slice::from_ref(&amd64));
        assert_eq!(of(true, std::slice::from_ref(&arm64)), [amd64, arm64]);
        assert!(of(true, &[]).is_empty());
    }
}
