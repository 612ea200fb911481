//! A snap with its assertions as one artifact (bundle-format.md, "Snaps").

use bytes::Bytes;
use camino::Utf8Path;

use crate::content::plan::Item;
use crate::kinds::Origin;
use crate::kinds::artifact_manifest::{self, Layer};
use crate::model::artifact::Kind;
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::file_name::FileName;
use crate::model::list::Rename;
use crate::model::media_type;
use crate::model::snap::SnapFacts;

/// The bytes of a snap: what proves them, how many there are, and where.
#[derive(Debug)]
pub(super) struct Content {
    /// Its sha256 where that is known, otherwise its SHA3-384.
    pub(super) digest: Digest,
    pub(super) size: u64,
    pub(super) origin: Origin,
}

/// Makes the artifact. `basename` is what both files are called on the far side, without an ending.
pub(super) fn item(
    facts: &SnapFacts,
    content: Content,
    assertions: Bytes,
    basename: Option<&str>,
    rename: Option<&Rename>,
) -> Result<Item<Origin>> {
    if let Some(whole) =
        basename.filter(|name| matches!(Utf8Path::new(name).extension(), Some("snap" | "assert")))
    {
        let hint = "leave the ending out, which each of the two files gets";
        return Err(Error::usage(format!("`basename={whole}` has the ending of a file"), Some(hint)));
    }
    let basename = basename.map_or_else(|| format!("{}_{}", facts.name, facts.revision), ToString::to_string);
    let [snap_title, assert_title] = ["snap", "assert"].map(|ending| format!("{basename}.{ending}"));
    // What could not be extracted on the far side is told on this one.
    let checked: Result<FileName, _> = snap_title.parse();
    checked.map_err(|error| {
        Error::usage(error.to_string(), Some("give it another name with `basename=`, or rename the file"))
    })?;
    let stand_in = content.digest.stand_in();
    let assert = Descriptor::of(media_type::ASSERTION, &assertions);
    let layers = [
        Layer { media_type: media_type::SQUASHFS, digest: stand_in, size: content.size, title: &snap_title },
        Layer {
            media_type: media_type::ASSERTION,
            digest: assert.digest,
            size: assert.size,
            title: &assert_title,
        },
    ];
    let root = artifact_manifest::node(media_type::SNAP, &layers, &facts.annotations())?;
    let reference = format!("{}:{}", facts.name, facts.revision);
    let name = format!("snaps/{reference}");
    let origins = [(assert.digest, Origin::Memory(assertions)), (stand_in, content.origin)];
    let late = (stand_in != content.digest).then_some((stand_in, content.digest));
    let item = artifact_manifest::item(Kind::Snap, reference, name, rename, root, origins);
    Ok(Item { late: late.into_iter().collect(), ..item })
}
