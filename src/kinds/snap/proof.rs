//! Whether a snap is what its assertions say, and whether those hold.

use crate::content::body::ProvenBody;
use crate::content::copy::{Source, Supply};
use crate::model::assertion::{Assertion, Claims, MAX_STREAM, SnapProof, Trust, stream};
use crate::model::descriptor::Descriptor;
use crate::model::error::{Error, Result};
use crate::model::manifest::Manifest;
use crate::model::media_type;
use crate::model::moment::Moment;
use crate::model::snap::SnapFacts;

/// What to do where only the clock stands against a proof.
const CLOCK: &str = "if the clock of this host is wrong, say what time it is with `--at TIME`";

/// What snaps are proven with.
#[derive(Clone, Debug)]
pub struct Prover {
    /// Who is trusted.
    pub trust: Trust,
    /// What time it is.
    pub at: Moment,
    /// Who says so.
    pub clock: Clock,
}

/// Who says what time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The clock of this host, which may be wrong.
    Host,
    /// A person: `--at`.
    Said,
}

impl Prover {
    /// Proves what is claimed of the file of a snap by its assertions.
    ///
    /// Errors: [`Error::Unproven`] with all that is wrong; keys that have expired by the clock are told as such.
    pub fn prove(&self, chain: &[Assertion], facts: &SnapFacts, size: u64) -> Result<SnapProof> {
        let proof = self.about(chain, facts)?;
        proof.compare(&Claims {
            size: Some(size),
            name: Some(&facts.name),
            id: Some(&facts.id),
            revision: Some(u64::from(facts.revision)),
            ..Claims::default()
        })?;
        Ok(proof)
    }

    /// Returns words such as `the clock says 2026-05-31T16:00:00Z`.
    pub(in crate::kinds) fn now(&self) -> String {
        let who = match self.clock {
            Clock::Host => "the clock",
            Clock::Said => "`--at`",
        };
        format!("{who} says {}", self.at)
    }

    /// Proves assertions, and returns what they say of the file of a snap.
    pub(super) fn about(&self, chain: &[Assertion], facts: &SnapFacts) -> Result<SnapProof> {
        let proven = self.trust.prove(chain)?;
        let proof = proven.snap(&facts.sha3_384)?;
        let expired: Vec<String> = proven.expired(self.at).iter().map(ToString::to_string).collect();
        if expired.is_empty() {
            return Ok(proof);
        }
        let items = expired.into_iter().map(|key| format!("{key}, and {}", self.now())).collect();
        let hint = (self.clock == Clock::Host).then(|| CLOCK.to_owned());
        Err(Error::Unproven { items, hint })
    }

    /// Proves a snap that is in a bundle or in a registry, all of whose blobs are in `source`: its assertions, what its
    /// manifest says, and then every byte of its file.
    ///
    /// `reference` is what it is called there, `NAME:REVISION`.
    pub async fn prove_all(
        &self,
        reference: &str,
        manifest: &Manifest,
        source: &dyn Source,
    ) -> Result<SnapProof> {
        let unsupported = |why: &str| Error::Unsupported {
            message: format!("{}: the manifest of a snap {why}", source.place()),
            hint: None,
        };
        let facts = SnapFacts::of(manifest)
            .ok_or_else(|| unsupported("says nothing of the snap that makes sense"))?;
        let [snap, assertions] = manifest.layers.as_slice() else {
            return Err(unsupported("has other layers than a snap and its assertions"));
        };
        if snap.media_type != media_type::SQUASHFS || assertions.media_type != media_type::ASSERTION {
            return Err(unsupported("has layers of other types than a snap and its assertions"));
        }
        let stem = |layer: &Descriptor, ending: &str| {
            layer.title().and_then(|title| title.strip_suffix(ending)).map(str::to_owned)
        };
        if stem(snap, ".snap").is_none() || stem(snap, ".snap") != stem(assertions, ".assert") {
            return Err(unsupported(
                "calls the snap and its assertions by names that do not belong together",
            ));
        }
        let own = format!("{}:{}", facts.name, facts.revision);
        if reference != own {
            let item = format!("`{reference}` is another snap: expected `{reference}`, got `{own}`");
            return Err(Error::Unproven { items: vec![item], hint: None });
        }
        if assertions.size > u64::try_from(MAX_STREAM).unwrap_or(u64::MAX) {
            return Err(unsupported(&format!("has more than {MAX_STREAM} bytes of assertions")));
        }
        let bytes = Supply::new(assertions, source).open().await?.bytes().await?;
        let chain = stream(&bytes).map_err(|mistake| Error::Unproven {
            items: vec![format!("the assertions of snap `{}`: {mistake}", facts.name)],
            hint: None,
        })?;
        let proof = self.prove(&chain, &facts, snap.size)?;
        let publisher = |name: &str| Some(name).filter(|name| !name.is_empty()).map(str::to_owned);
        for (what, said, proven) in [
            ("publisher", &facts.publisher, publisher(&proof.publisher.username)),
            ("validation of the publisher", &facts.validation, publisher(&proof.publisher.validation)),
        ] {
            if *said != proven {
                let [expected, got] = [proven.as_deref(), said.as_deref()].map(|text| text.unwrap_or("none"));
                let item = format!(
                    "snap `{}` has another {what} than its assertions say: expected {expected}, got {got}",
                    facts.name
                );
                return Err(Error::Unproven { items: vec![item], hint: None });
            }
        }
        let blob = Descriptor { digest: facts.digest(), ..snap.clone() };
        let body = ProvenBody::new(&blob, source.open(snap, 0).await?, &source.place());
        match body.learn().await {
            Ok(Some(digest)) if digest == snap.digest => return Ok(proof),
            Ok(_) | Err(Error::Mismatch { .. }) => {}
            Err(error) => return Err(error),
        }
        // Either the bytes were damaged, or they are those that the manifest names and another file than the proven one.
        ProvenBody::new(snap, source.open(snap, 0).await?, &source.place()).learn().await?;
        let item = format!(
            "snap `{}` has another SHA3-384 than its assertions say: expected {}, and blob {} is another file",
            facts.name, facts.sha3_384, snap.digest
        );
        Err(Error::Unproven { items: vec![item], hint: None })
    }
}

/// Returns the warnings that a proof is worth: that a root of one's own stands behind it, which is never silent, and that
/// the snap is for some devices alone, of which a host is one or not.
pub fn warnings(proof: &SnapProof) -> Vec<String> {
    let SnapProof { name, provenance, own_root, devices, .. } = proof;
    let own_root = own_root.as_ref().map(|file| {
        format!("snap `{name}` is proven with the root in `{file}`, not with that of the snap store")
    });
    let devices = devices.as_ref().map(|devices| {
        format!(
            "snap `{name}` can be installed only on devices {devices}: its publisher limits provenance `{provenance}` to them"
        )
    });
    own_root.into_iter().chain(devices).collect()
}
