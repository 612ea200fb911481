//! Plain files: from a path, a folder or an address, each a small OCI artifact (bundle-format.md, "Plain files").

use std::collections::BTreeMap;
use std::io::Read;

use camino::{Utf8Path, Utf8PathBuf};
use url::Url;

use super::artifact_manifest::{self, Layer};
use super::{Origin, Resolved};
use crate::content::jobs::{self, OnFailure};
use crate::content::plan::Item;
use crate::model::artifact::Kind;
use crate::model::error::{Error, Result};
use crate::model::file_name::FileName;
use crate::model::list::{Entry, last_part};
use crate::model::media_type;
use crate::model::target::slug;
use crate::stores::file::{LocalFile, Measured, files_under};

/// The most files of one folder.
const MAX_FILES: usize = 100_000;
/// The annotation that holds a file's mode, on the manifest: `0644` or `0755`.
const MODE: &str = "dev.airgap-bundle.file.mode";

/// Takes a file, or every file under a folder.
pub(super) async fn resolve(entry: &Entry, path: &Utf8Path, name: Option<&str>) -> Result<Resolved> {
    let is_folder = path.is_dir();
    if is_folder && entry.sha256.is_some() {
        return Err(Error::usage(format!("`sha256=` fits a file, and `{path}` is a folder"), None));
    }
    let (place, named) = (path.to_owned(), name.map(str::to_owned));
    let files = jobs::offload(move || places(&place, named.as_deref())).await??;
    let measured = jobs::run_blocking(2, OnFailure::Stop, files, |(path, name), stop| {
        let file = LocalFile::new(path);
        let measured = file.measure(stop)?;
        Ok((file, measured, name))
    })
    .await;
    let mut resolved = Resolved::default();
    for result in measured.into_iter().flatten() {
        let (file, measured, name) = result?;
        expect(entry, &name, &measured)?;
        resolved.items.push(item(entry, Kind::File, Origin::File(file), &measured, &name)?);
    }
    if is_folder && resolved.items.is_empty() {
        resolved.warnings.push(format!("folder `{path}` holds no files"));
    }
    Ok(resolved)
}

/// Returns the file at `path`, or every file under the folder there, each with its name in the bundle.
pub(super) fn places(path: &Utf8Path, name: Option<&str>) -> Result<Vec<(Utf8PathBuf, String)>> {
    let base = base_name(path, name)?;
    if !path.is_dir() {
        return Ok(vec![(path.to_owned(), base)]);
    }
    let found = files_under(path, MAX_FILES)?;
    Ok(found.into_iter().map(|inner| (path.join(&inner), format!("{base}/{inner}"))).collect())
}

/// As [`resolve`] for what ends in `.tgz`: a chart is not a plain file.
pub(super) async fn resolve_unless_chart(entry: &Entry, path: &Utf8Path) -> Result<Resolved> {
    refuse_chart(path, path.as_str()).await?;
    resolve(entry, path, None).await
}

/// Refuses the file at `path` where it is a chart; `written` is what the list calls it.
pub(super) async fn refuse_chart(path: &Utf8Path, written: &str) -> Result<()> {
    let packed = path.to_owned();
    if jobs::offload(move || has_chart_yaml(&packed)).await? {
        return Err(Error::Usage {
            message: format!("`{written}` is a chart, which cannot be exported by this version"),
            hint: Some(format!("write `file {written}` to carry it as a plain file")),
        });
    }
    Ok(())
}

/// Reads a file once, on a thread that may block.
pub(super) async fn measure(file: &LocalFile) -> Result<Measured> {
    let file = file.clone();
    jobs::run_blocking(1, OnFailure::Stop, [()], move |(), stop| file.measure(stop))
        .await
        .into_iter()
        .flatten()
        .next()
        .unwrap_or(Err(Error::Interrupted(15)))
}

/// Makes the artifact of one file.
pub(super) fn item(
    entry: &Entry,
    kind: Kind,
    origin: Origin,
    measured: &Measured,
    name: &str,
) -> Result<Item<Origin>> {
    // What could not be extracted on the far side is told on this one.
    let checked: Result<FileName, _> = name.parse();
    checked.map_err(|error| {
        Error::usage(
            format!("{}: {error}", entry.position),
            Some("rename the file, or give it another name with `name=` on its line"),
        )
    })?;
    let (artifact_type, layer_type) = match kind {
        Kind::Assert => (media_type::ASSERT, media_type::ASSERTION),
        _ => (media_type::FILE, media_type::OCTET_STREAM),
    };
    let layer = Layer { media_type: layer_type, digest: measured.digest, size: measured.size, title: name };
    let mode = if measured.executable { "0755" } else { "0644" };
    let root = artifact_manifest::node(
        artifact_type,
        &[layer],
        &BTreeMap::from([(MODE.to_owned(), mode.to_owned())]),
    )?;
    let listed = format!("files/{}:digest-{}", slug(name), root.descriptor.digest.short());
    let origins = [(measured.digest, origin)];
    Ok(artifact_manifest::item(kind, name.to_owned(), listed, entry.rename.as_ref(), root, origins))
}

/// Returns the name that a file has in the bundle: that of the list, else the last part of its path.
pub(super) fn base_name(path: &Utf8Path, name: Option<&str>) -> Result<String> {
    if let Some(name) = name {
        return Ok(name.to_owned());
    }
    let last = path.file_name().map(str::to_owned);
    // `.` and `..` have no name of their own: the folder that they lead to has.
    let resolved = || path.canonicalize_utf8().ok().and_then(|whole| whole.file_name().map(str::to_owned));
    last.or_else(resolved).ok_or_else(|| {
        Error::usage(format!("`{path}` has no name of its own"), Some("give it one with `name=` on its line"))
    })
}

/// As [`base_name`] for an address.
pub(super) fn address_name(url: &Url, name: Option<&str>) -> Result<String> {
    base_name(Utf8Path::new(&last_part(url)), name)
}

/// Checks a file against the `sha256=` of its line.
pub(super) fn expect(entry: &Entry, name: &str, measured: &Measured) -> Result<()> {
    match entry.sha256 {
        Some(expected) if expected != measured.digest => Err(Error::Mismatch {
            what: format!("file `{name}`"),
            expected: expected.to_string(),
            got: measured.digest.to_string(),
        }),
        _ => Ok(()),
    }
}

/// Returns whether a packed folder has a `Chart.yaml` at its top. What cannot be unpacked is no chart.
fn has_chart_yaml(path: &Utf8Path) -> bool {
    /// A chart has its `Chart.yaml` early; whoever looks for it in a large archive stops here.
    const LOOK: u64 = 64 << 20;
    let Ok(file) = std::fs::File::open(path) else { return false };
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file).take(LOOK));
    let Ok(entries) = archive.entries() else { return false };
    entries.map_while(Result::ok).any(|entry| {
        let Ok(path) = entry.path() else { return false };
        let mut parts = path.components();
        parts.next_back().is_some_and(|last| last.as_os_str() == "Chart.yaml") && parts.count() == 1
    })
}
