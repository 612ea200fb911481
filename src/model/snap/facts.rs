//! What a bundle's head says of a snap, in annotations of its manifest (bundle-format.md, "Snaps").

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::{Channel, Confinement, SnapType};
use crate::model::assertion::SnapProof;
use crate::model::digest::Digest;
use crate::model::manifest::Manifest;
use crate::model::sha3::Sha3_384;

const PREFIX: &str = "dev.airgap-bundle.snap.";
/// The longest version, or name of a publisher.
const MAX_TEXT: usize = 256;

/// What is known of a snap beside its bytes, in the words of the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SnapFacts {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The revision, from 1.
    pub revision: u32,
    /// SHA3-384 of the file.
    #[serde(rename = "sha3-384", serialize_with = "hex")]
    pub sha3_384: Sha3_384,
    /// What its maker calls this revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The channel that it was found in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The snap that has to be installed before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// `app`, `base`, `snapd` and so on.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `strict`, `classic` or `devmode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confinement: Option<String>,
    /// Sorted.
    pub architectures: Vec<String>,
    /// The name of the account that publishes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// How the store knows who that is.
    #[serde(rename = "publisher-validation", skip_serializing_if = "Option::is_none")]
    pub validation: Option<String>,
}

impl SnapFacts {
    /// Returns the annotations that say all this.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        let architectures = Some(self.architectures.join(",")).filter(|list| !list.is_empty());
        let all = [
            ("name", Some(self.name.clone())),
            ("id", Some(self.id.clone())),
            ("revision", Some(self.revision.to_string())),
            ("sha3-384", Some(self.sha3_384.hex())),
            ("version", self.version.clone()),
            ("channel", self.channel.clone()),
            ("base", self.base.clone()),
            ("type", self.kind.clone()),
            ("confinement", self.confinement.clone()),
            ("architectures", architectures),
            ("publisher", self.publisher.clone()),
            ("publisher-validation", self.validation.clone()),
        ];
        all.into_iter().filter_map(|(word, text)| Some((format!("{PREFIX}{word}"), text?))).collect()
    }

    /// Reads the annotations of a snap's manifest; `None` where they do not make sense.
    pub fn of(manifest: &Manifest) -> Option<Self> {
        let text = |word: &str| manifest.annotations.get(&format!("{PREFIX}{word}")).cloned();
        let architectures = text("architectures").unwrap_or_default();
        let architectures: Vec<String> =
            architectures.split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect();
        let is_word = |text: &String| text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let fits = |word: &str, fits: &dyn Fn(&str) -> bool| text(word).is_none_or(|text| fits(&text));
        let is_plain = |text: &str| text.len() <= MAX_TEXT && !text.chars().any(char::is_control);
        let good = architectures.iter().all(is_word)
            && ["id", "version", "publisher", "publisher-validation"]
                .iter()
                .all(|word| fits(word, &is_plain))
            && fits("channel", &|text| text.parse::<Channel>().is_ok())
            && fits("base", &super::is_name)
            && fits("type", &|text| text.parse::<SnapType>().is_ok())
            && fits("confinement", &|text| text.parse::<Confinement>().is_ok());
        good.then_some(())?;
        Some(Self {
            name: text("name").filter(|name| super::is_name(name))?,
            id: text("id")?,
            revision: text("revision")?.parse().ok().filter(|revision| *revision > 0)?,
            sha3_384: Sha3_384::from_hex(&text("sha3-384")?)?,
            version: text("version"),
            channel: text("channel"),
            base: text("base"),
            kind: text("type"),
            confinement: text("confinement"),
            architectures,
            publisher: text("publisher"),
            validation: text("publisher-validation"),
        })
    }

    /// Takes over what is proven of the publisher.
    pub fn proven_by(&mut self, proof: &SnapProof) {
        let text = |text: &str| Some(text).filter(|text| !text.is_empty()).map(str::to_owned);
        self.publisher = text(&proof.publisher.username);
        self.validation = text(&proof.publisher.validation);
    }

    /// Returns the digest by which the store names the file.
    pub fn digest(&self) -> Digest {
        Digest::Sha3_384(*self.sha3_384.bytes())
    }
}

fn hex<S: Serializer>(digest: &Sha3_384, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::media_type;

    #[test]
    fn annotations_are_read_back() {
        let facts = SnapFacts {
            name: "k8s".to_owned(),
            id: "0123456789abcdefghijABCDEFGHIJ01".to_owned(),
            revision: 12,
            sha3_384: Sha3_384::of(b"snap"),
            version: Some("1.32.1".to_owned()),
            channel: None,
            base: Some("core22".to_owned()),
            kind: Some("app".to_owned()),
            confinement: Some("classic".to_owned()),
            architectures: vec!["amd64".to_owned(), "arm64".to_owned()],
            publisher: Some("canonical".to_owned()),
            validation: Some("verified".to_owned()),
        };
        let json = serde_json::json!({"schemaVersion": 2, "layers": [], "annotations": facts.annotations()});
        let read = |json: &serde_json::Value| {
            let manifest = Manifest::parse(media_type::OCI_MANIFEST, json.to_string().as_bytes()).unwrap();
            SnapFacts::of(&manifest)
        };
        assert_eq!(read(&json), Some(facts));
        for (word, text) in [
            ("name", "K8S"),
            ("revision", "0"),
            ("sha3-384", "00"),
            ("channel", "x\nfile /etc/passwd\n#"),
            ("architectures", "amd64 as=x"),
            ("version", "1\n"),
            ("confinement", "devmode --dangerous"),
            ("base", "../x"),
        ] {
            let mut wrong = json.clone();
            wrong["annotations"][format!("{PREFIX}{word}")] = text.into();
            assert_eq!(read(&wrong), None, "{word}");
        }
    }
}
