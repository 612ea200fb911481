//! The files that a bundle holds: their names, and which blob is their content.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use super::stored::{Shelf, Stored};
use crate::content::jobs::{self, OnFailure};
use crate::content::progress::Progress;
use crate::model::artifact::Kind;
use crate::model::assertion::SnapProof;
use crate::model::contents::Artifact;
use crate::model::descriptor::{Descriptor, TITLE};
use crate::model::error::{Error, Result};
use crate::model::file_name::FileName;
use crate::model::manifest::Manifest;
use crate::model::media_type;
use crate::model::selector::Selection;
use crate::stores::folder::{Found, Permissions};

/// Annotation of a manifest that holds the mode of its file.
const MODE: &str = "dev.airgap-bundle.file.mode";
/// The provenance file of a chart, which `helm verify` reads.
const PROVENANCE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";

/// One file on its way.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) artifact: Artifact,
    /// Where it is, and its manifest; `None` only where it failed, or where the artifact becomes no file.
    pub(super) root: Option<Arc<Root>>,
    /// Its name; `None` only where it failed, or where the artifact becomes no file.
    pub(super) name: Option<FileName>,
    pub(super) layer: Descriptor,
    pub(super) permissions: Permissions,
    /// What has the name in the folder.
    pub(super) found: Found,
    /// What proves the snap that it is of, where that could not be looked into yet.
    pub(super) unseen: Option<Arc<SnapProof>>,
    pub(super) error: Option<Error>,
}

/// The manifest of an artifact, and where it and its blobs are.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) shelf: Shelf,
    pub(super) manifest: Manifest,
}

impl Item {
    fn new(artifact: &Artifact, name: Option<FileName>, layer: Descriptor) -> Self {
        Self {
            artifact: artifact.clone(),
            root: None,
            name,
            layer,
            permissions: Permissions::Plain,
            found: Found::Nothing,
            unseen: None,
            error: None,
        }
    }

    /// Returns the same for a job; errors stay where they are.
    pub(super) fn without_error(&self) -> Self {
        Self {
            root: self.root.clone(),
            permissions: self.permissions,
            found: self.found,
            ..Self::new(&self.artifact, self.name.clone(), self.layer.clone())
        }
    }

    /// Returns whether its content has to be written.
    pub(super) fn is_to_write(&self) -> bool {
        self.error.is_none() && self.name.is_some() && matches!(self.found, Found::Nothing | Found::Other)
    }

    /// Returns whether it is there with other permissions.
    pub(super) fn is_to_permit(&self) -> bool {
        self.error.is_none() && self.found == Found::OtherMode
    }

    /// Notes why it failed; nothing more is done about it.
    pub(super) fn fail(&mut self, error: Error) {
        self.error = Some(error);
    }
}

/// Finds the files of the selected artifacts, for which their manifests are read.
pub(super) async fn all(
    stored: &Stored<'_>,
    selection: &Selection,
    progress: &Arc<dyn Progress>,
) -> Vec<Item> {
    let takes = |artifact: &&Artifact| selection.takes(artifact.kind, &artifact.reference);
    let artifacts: Vec<Artifact> = stored.contents().artifacts.iter().filter(takes).cloned().collect();
    let read = jobs::run(stored.jobs(), OnFailure::GoOn, artifacts.clone(), |artifact| {
        let (shelf, progress) = (stored.shelf(&artifact), Arc::clone(progress));
        async move { files(shelf, &artifact, progress.as_ref()).await }
    });
    let mut seen = BTreeSet::new();
    let mut items = Vec::new();
    for (artifact, files) in artifacts.iter().zip(read.await) {
        match files.unwrap_or(Err(Error::Interrupted(15))) {
            // The same file twice, under different `as=`, is one file.
            Ok(files) => items.extend(files.into_iter().filter(|item| match &item.name {
                Some(name) => seen.insert((name.clone(), item.layer.digest)),
                None => true,
            })),
            Err(error) => {
                let mut item = Item::new(artifact, None, Descriptor::new("", artifact.digest, 0));
                item.fail(error);
                items.push(item);
            }
        }
    }
    items
}

async fn files(shelf: Result<Shelf>, artifact: &Artifact, progress: &dyn Progress) -> Result<Vec<Item>> {
    // What is an image or any other artifact becomes no file.
    if matches!(artifact.kind, Kind::Image | Kind::Artifact) {
        return Ok(vec![Item::new(artifact, None, Descriptor::new("", artifact.digest, 0))]);
    }
    let shelf = shelf?;
    let manifest = shelf.manifest(artifact).await?;
    let mut items = match artifact.kind {
        Kind::Chart => chart(&shelf, artifact, &manifest, progress).await?,
        _ => plain(artifact, &manifest)?,
    };
    let root = Arc::new(Root { shelf, manifest });
    for item in &mut items {
        item.root = Some(Arc::clone(&root));
    }
    Ok(items)
}

fn plain(artifact: &Artifact, manifest: &Manifest) -> Result<Vec<Item>> {
    let is_executable = manifest.annotations.get(MODE).is_some_and(|mode| mode == "0755");
    let permissions = if is_executable { Permissions::Executable } else { Permissions::Plain };
    let items = manifest.layers.iter().map(|layer| {
        let title = layer.title();
        let title =
            title.ok_or_else(|| unsupported(format!("blob {} has no name (`{TITLE}`)", layer.digest)))?;
        Ok(Item { permissions, ..Item::new(artifact, Some(name(title)?), layer.clone()) })
    });
    items.collect()
}

/// A chart is `NAME-VERSION.tgz`, as `helm pull` calls it, with its provenance beside it.
async fn chart(
    shelf: &Shelf,
    artifact: &Artifact,
    manifest: &Manifest,
    progress: &dyn Progress,
) -> Result<Vec<Item>> {
    /// What a chart says of itself: `Chart.yaml` as JSON.
    #[derive(Deserialize)]
    struct Chart {
        name: String,
        version: String,
    }
    let config = manifest.config.as_ref().ok_or_else(|| unsupported("the chart has no config".to_owned()))?;
    let raw = shelf.again(progress, || shelf.config(config)).await?;
    let chart: Chart = serde_json::from_slice(&raw)
        .map_err(|error| unsupported(format!("config {}: {error}", config.digest)))?;
    if chart.name.contains('/') || chart.version.contains('/') {
        return Err(unsupported(format!("config {}: a chart's name and version hold no `/`", config.digest)));
    }
    let file = format!("{}-{}.tgz", chart.name, chart.version);
    let content = manifest.layers.iter().find(|layer| layer.media_type == media_type::HELM_CONTENT);
    let content = content.ok_or_else(|| unsupported("the chart has no content".to_owned()))?;
    let provenance = manifest.layers.iter().find(|layer| layer.media_type == PROVENANCE);
    let mut items = vec![Item::new(artifact, Some(name(&file)?), content.clone())];
    if let Some(provenance) = provenance {
        items.push(Item::new(artifact, Some(name(&format!("{file}.prov"))?), provenance.clone()));
    }
    Ok(items)
}

fn name(text: &str) -> Result<FileName> {
    text.parse().map_err(|error: crate::model::file_name::FileNameError| unsupported(error.to_string()))
}

fn unsupported(message: String) -> Error {
    Error::Unsupported { message, hint: None }
}
