//! The tar of one image, as containerd imports it: every byte follows from the names and the blobs.

use serde::{Deserialize, Serialize};

use crate::model::contents::Blob;
use crate::model::digest::Digest;
use crate::model::media_type;
use crate::stores::bundle::header::{END, blob_name, entry_header, padding};
use crate::stores::bundle::slots::OCI_LAYOUT;

/// A name that containerd will know, and the manifest that it points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// `repository:tag` or `repository@digest`, normalised: containerd takes it verbatim and the kubelet compares strings.
    pub name: String,
    /// Media type of the manifest or index.
    pub media_type: String,
    /// The manifest or index.
    pub target: Blob,
}

/// A tar in the making. Two of the same names and blobs are equal byte for byte.
#[derive(Clone, Debug)]
pub struct ImageTar {
    head: Vec<u8>,
    blobs: Vec<Blob>,
    length: u64,
}

impl ImageTar {
    /// Lays out `oci-layout`, an `index.json` with these names, and the blobs in the order given, each once.
    pub fn new(names: &[Name], blobs: Vec<Blob>) -> Self {
        let index = index(names);
        let mut head = Vec::new();
        for (name, content) in [("oci-layout", OCI_LAYOUT), ("index.json", &index)] {
            head.extend(entry_header(name, u64::try_from(content.len()).unwrap_or(u64::MAX)));
            head.extend_from_slice(content);
            head.resize(head.len().next_multiple_of(512), 0);
        }
        let mut length = u64::try_from(head.len()).unwrap_or(u64::MAX);
        for blob in &blobs {
            let header = u64::try_from(header(blob).len()).unwrap_or(u64::MAX);
            length =
                length.saturating_add(header).saturating_add(blob.size).saturating_add(padding(blob.size));
        }
        Self { head, blobs, length: length.saturating_add(END) }
    }

    /// Returns what stands before the blobs.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Returns the blobs in the order of the tar.
    pub fn blobs(&self) -> &[Blob] {
        &self.blobs
    }

    /// Returns the length of the whole file in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }
}

/// Returns what stands before the bytes of a blob.
pub(super) fn header(blob: &Blob) -> Vec<u8> {
    entry_header(&blob_name(&blob.digest), blob.size)
}

/// The fields of `index.json` that are written, and read again from tars that are there already.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Index {
    schema_version: u32,
    media_type: String,
    pub(super) manifests: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    media_type: String,
    pub(super) digest: Digest,
    size: u64,
    pub(super) annotations: Annotations,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Annotations {
    #[serde(rename = "io.containerd.image.name")]
    pub(super) name: String,
    #[serde(rename = "org.opencontainers.image.ref.name")]
    reference: String,
}

/// No entry says a platform: containerd refuses a whole tar where one says another platform than the host's.
fn index(names: &[Name]) -> Vec<u8> {
    let manifests = names.iter().map(|name| Entry {
        media_type: name.media_type.clone(),
        digest: name.target.digest,
        size: name.target.size,
        annotations: Annotations { name: name.name.clone(), reference: name.name.clone() },
    });
    let index = Index {
        schema_version: 2,
        media_type: media_type::OCI_INDEX.to_owned(),
        manifests: manifests.collect(),
    };
    // Plain data with string keys, which JSON can always hold.
    let mut bytes = serde_json::to_vec(&index).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_that_of_the_bytes() {
        let contents: [&[u8]; 3] = [b"{}", b"", &[7; 700]];
        let blobs: Vec<Blob> = contents
            .iter()
            .map(|bytes| Blob { digest: Digest::sha256(bytes), size: bytes.len().try_into().unwrap() })
            .collect();
        let name = Name {
            name: "docker.io/library/a:1".to_owned(),
            media_type: media_type::OCI_MANIFEST.to_owned(),
            target: blobs[0],
        };
        let tar = ImageTar::new(&[name], blobs.clone());
        let mut bytes = tar.head().to_vec();
        for (blob, content) in blobs.iter().zip(contents) {
            bytes.extend(header(blob));
            bytes.extend(content);
            bytes.resize(bytes.len().next_multiple_of(512), 0);
        }
        bytes.extend([0; 1024]);
        assert_eq!(u64::try_from(bytes.len()), Ok(tar.length()));
        let names: Vec<String> = tar::Archive::new(&bytes[..])
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names[..2], ["oci-layout", "index.json"]);
        assert_eq!(names.len(), 5);
    }

    #[test]
    fn both_annotations_hold_the_whole_name() {
        let target = Blob { digest: Digest::sha256(b"{}"), size: 2 };
        let name = Name { name: "quay.io/a/b:1".to_owned(), media_type: "m".to_owned(), target };
        assert_eq!(
            String::from_utf8(index(&[name])).unwrap(),
            format!(
                "{{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[\
                 {{\"mediaType\":\"m\",\"digest\":\"{}\",\"size\":2,\"annotations\":{{\
                 \"io.containerd.image.name\":\"quay.io/a/b:1\",\
                 \"org.opencontainers.image.ref.name\":\"quay.io/a/b:1\"}}}}]}}\n",
                target.digest
            )
        );
    }
}
