//! A store with snaps that are really snaps, and a place to export them in.

use airgap_bundle::model::sha3::Sha3_384;

use crate::fixture::assertions::{Key, account, declaration, revision, root, store_key};
use crate::fixture::{Release, SnapStore, squashfs};
use crate::site::Site;

/// The account that publishes what Canonical does not.
pub(crate) const SOMEBODY: &str = "5s7ZJkXbGhRBGRcQPHqUfdMJDo5VmNHe";

/// What goes into a snap.
#[derive(Clone)]
pub(crate) struct Snap {
    pub(crate) name: &'static str,
    pub(crate) revision: u32,
    pub(crate) base: Option<&'static str>,
    pub(crate) kind: Option<&'static str>,
    pub(crate) confinement: &'static str,
    pub(crate) images: Option<String>,
    pub(crate) architecture: &'static str,
    /// What it says of how it comes to its store.
    pub(crate) provenance: Option<&'static str>,
    /// So many bytes that cannot be compressed.
    pub(crate) weight: usize,
}

impl Snap {
    pub(crate) fn app(name: &'static str, revision: u32) -> Self {
        Self {
            name,
            revision,
            base: Some("core22"),
            kind: None,
            confinement: "strict",
            images: None,
            architecture: "amd64",
            provenance: None,
            weight: 300_000,
        }
    }

    pub(crate) fn base(name: &'static str, revision: u32) -> Self {
        Self { base: None, kind: Some("base"), ..Self::app(name, revision) }
    }

    /// Returns its id: 32 characters that say what it is.
    pub(crate) fn id(&self) -> String {
        format!("{:x<32}", self.name.replace('-', ""))
    }

    /// Makes the file.
    pub(crate) fn file(&self) -> Vec<u8> {
        let Self { name, revision, confinement, architecture, .. } = self;
        let mut yaml = format!(
            "name: {name}\nversion: \"1.{revision}\"\nconfinement: {confinement}\narchitectures: [{architecture}]\n"
        );
        for (key, value) in [("base", self.base), ("type", self.kind), ("provenance", self.provenance)] {
            yaml.extend(value.map(|value| format!("{key}: {value}\n")));
        }
        let mut state = u64::from(*revision) + 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        };
        let noise: Vec<u8> = (0..self.weight).map(|_| next()).collect();
        let images = self.images.as_ref().map(|images| ("images.txt", images.as_bytes()));
        let folder = tempfile::tempdir().unwrap();
        squashfs::write(folder.path(), &[("meta/snap.yaml", yaml.as_bytes()), ("noise", &noise)]);
        squashfs::write(folder.path(), images.as_slice());
        // What cannot be compressed takes long to try.
        let how: &[&str] =
            if self.weight > 1 << 20 { &["-no-fragments", "-noD"] } else { &["-no-fragments"] };
        squashfs::image_of(folder.path(), "xz", how)
    }
}

/// Puts a snap into a store, in `latest/stable` or these channels, with all that proves it. Returns the file.
pub(crate) fn publish(store: &SnapStore, snap: &Snap, channels: &[&str]) -> Vec<u8> {
    let file = snap.file();
    publish_as(store, snap, channels, &file, "canonical");
    file
}

/// As [`publish`], with another file, of another publisher.
pub(crate) fn publish_as(store: &SnapStore, snap: &Snap, channels: &[&str], file: &[u8], publisher: &str) {
    let mut release = Release::new(snap.name, snap.revision, file);
    release.id = snap.id();
    release.version = format!("1.{}", snap.revision);
    release.kind = snap.kind.unwrap_or("app").to_owned();
    release.base = snap.base.map(str::to_owned);
    release.confinement = snap.confinement.to_owned();
    release.architectures = vec![snap.architecture.to_owned()];
    if !channels.is_empty() {
        release = release.channels(channels);
    }
    store.put(release);
    let id = snap.id();
    let digest = Sha3_384::of(file).base64url();
    let revised = revision(file, &id, u64::from(snap.revision), publisher).signed(Key::Store);
    store.put_assertion(&format!("snap-revision/{digest}"), revised);
    let declared = declaration(&id, snap.name, publisher).signed(Key::Store);
    store.put_assertion(&format!("snap-declaration/16/{id}"), declared);
    store.put_assertion(&format!("account-key/{}", Key::Store.id()), store_key());
    if publisher != "canonical" {
        store.put_assertion(&format!("account/{publisher}"), account(publisher).signed(Key::Store));
    }
}

/// Returns a place in which this store is asked, and believed.
pub(crate) fn site(store: &SnapStore) -> Site {
    Site::new()
        .named("STORE", store.host())
        .file("root.assert", root())
        .env("SNAPPY_FORCE_API_URL", &store.url())
}

/// What every call says: who is trusted.
pub(crate) const TRUST: &str = "--trusted-key root.assert";
