//! What `testdata/` holds: a registry's content as an OCI image layout, files, and a list of both. The same bytes on every
//! machine and day.
#![allow(clippy::indexing_slicing, reason = "fields of JSON objects that are made here")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;

use airgap_bundle::model::digest::Digest;
use airgap_bundle::model::media_type;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const IN_TOTO: &str = "application/vnd.in-toto+json";
/// The only time in it: 2024-01-01, as reproducible builds write it.
const CREATED: &str = "2024-01-01T00:00:00Z";
const CREATED_SECONDS: u64 = 1_704_067_200;

const README: &str = "\
# testdata

Made by `make testdata` (`examples/testdata/`); a test proves that it is what the generator makes. Change the generator,
never a file here.

- `registry/` is an OCI image layout. The names in its `index.json` are those that `examples/registry` serves the content under.
- `files/` are plain files.
- `artifacts.txt` lists both. `REGISTRY` in it stands for the address of the registry.
";

const LIST: &str = "\
# What the demo carries across. `make demo` puts the address of its registry in the place of REGISTRY.

REGISTRY/demo/web:1.4.2                      # two images that share their base layer
REGISTRY/demo/worker:1.4.2
REGISTRY/demo/gateway:2.0.0                  # for two platforms, with attestations
image REGISTRY/demo/web:stable               # another name for the same image
chart oci://REGISTRY/charts/demo:0.3.1
artifact REGISTRY/demo/policy:2024.1         # any other OCI artifact

file ./files/setup.sh                        # keeps its executable bit
file ./files/values.yaml name=demo-values.yaml
";

const SETUP: &str = "\
#!/bin/sh
# Run on the far side, after the import.
set -eu
helm install demo \"oci://$1/charts/demo\" --version 0.3.1 --values demo-values.yaml
";

const VALUES: &str = "\
replicas: 2
image:
  repository: registry.internal:5000/demo/web
  tag: 1.4.2
";

/// A file and its mode.
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    pub(crate) mode: u32,
}

/// Returns all files by their path below `testdata/`.
pub(crate) fn files() -> Result<BTreeMap<String, File>> {
    let mut files = layout()?.files()?;
    let texts = [("README.md", README), ("artifacts.txt", LIST), ("files/values.yaml", VALUES)];
    for (name, text) in texts {
        files.insert(name.to_owned(), File { bytes: text.into(), mode: 0o644 });
    }
    files.insert("files/setup.sh".to_owned(), File { bytes: SETUP.into(), mode: 0o755 });
    Ok(files)
}

fn layout() -> Result<Layout> {
    let mut layout = Layout::default();
    let base = layer(&[("etc/os-release", b"ID=demo\n".to_vec()), ("usr/lib/base", filler(1, 180_000))])?;
    let web = layout.image("amd64", &[&base, &layer(&[("usr/bin/web", filler(2, 60_000))])?])?;
    layout.name("demo/web:1.4.2", &web);
    layout.name("demo/web:stable", &web);
    let worker = layout.image("amd64", &[&base, &layer(&[("usr/bin/worker", filler(3, 90_000))])?])?;
    layout.name("demo/worker:1.4.2", &worker);
    let gateway = gateway(&mut layout, &base)?;
    layout.name("demo/gateway:2.0.0", &gateway);
    let chart = chart(&mut layout)?;
    layout.name("charts/demo:0.3.1", &chart);
    let policy = layout.artifact(
        "application/vnd.demo.policy.v1",
        (media_type::EMPTY, b"{}"),
        ("application/yaml", b"allow:\n  - registry.internal:5000/*\n", "policy.yaml"),
    )?;
    layout.name("demo/policy:2024.1", &policy);
    Ok(layout)
}

/// Makes an image for two platforms, each with the attestation that `docker buildx` puts beside it.
fn gateway(layout: &mut Layout, base: &[u8]) -> Result<Value> {
    let mut images = Vec::new();
    for (seed, architecture) in [(4, "amd64"), (5, "arm64")] {
        let own = layer(&[("usr/bin/gateway", filler(seed, 70_000))])?;
        let mut image = layout.image(architecture, &[base, &own])?;
        image["platform"] = json!({"architecture": architecture, "os": "linux"});
        images.push(image);
    }
    let mut attestations = Vec::new();
    for image in &images {
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": "https://slsa.dev/provenance/v0.2",
            "subject": [{"name": "demo/gateway", "digest": {"sha256": image["digest"].as_str().and_then(|digest| digest.strip_prefix("sha256:"))}}],
            "predicate": {"builder": {"id": "demo"}},
        });
        let mut statement = layout.put(IN_TOTO, &serde_json::to_vec(&statement)?);
        statement["annotations"] = json!({"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"});
        let config = json!({"architecture": "unknown", "os": "unknown", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [statement["digest"]]}});
        let config = layout.put(media_type::OCI_CONFIG, &serde_json::to_vec(&config)?);
        let mut attestation = layout
            .manifest(&json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
            "config": config, "layers": [statement]}))?;
        attestation["platform"] = json!({"architecture": "unknown", "os": "unknown"});
        attestation["annotations"] = json!({"vnd.docker.reference.digest": image["digest"],
            "vnd.docker.reference.type": "attestation-manifest"});
        attestations.push(attestation);
    }
    images.extend(attestations);
    layout.manifest(&json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": images}))
}

/// Makes a chart as `helm push` would.
fn chart(layout: &mut Layout) -> Result<Value> {
    let yaml = "apiVersion: v2\nname: demo\nversion: 0.3.1\nappVersion: 1.4.2\ndescription: A demo\n";
    let template = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: \"{{ .Values.image.repository }}:{{ .Values.image.tag }}\"
";
    let archive = layer(&[
        ("demo/Chart.yaml", yaml.into()),
        ("demo/templates/web.yaml", template.into()),
        ("demo/values.yaml", VALUES.into()),
    ])?;
    let config = json!({"name": "demo", "version": "0.3.1", "description": "A demo", "apiVersion": "v2", "appVersion": "1.4.2"});
    let config = layout.put(media_type::HELM_CONFIG, &serde_json::to_vec(&config)?);
    let content = layout.put(media_type::HELM_CONTENT, &archive);
    layout.manifest(&json!({
        "schemaVersion": 2,
        "config": config,
        "layers": [content],
        "annotations": {
            "org.opencontainers.image.created": CREATED,
            "org.opencontainers.image.description": "A demo",
            "org.opencontainers.image.title": "demo",
            "org.opencontainers.image.version": "0.3.1",
        },
    }))
}

/// An OCI image layout (OCI image spec, "Image Layout") in the making.
#[derive(Default)]
struct Layout {
    blobs: BTreeMap<Digest, Vec<u8>>,
    names: Vec<Value>,
}

impl Layout {
    /// Takes bytes, and returns their descriptor.
    fn put(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::sha256(bytes);
        self.blobs.insert(digest, bytes.to_owned());
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// Takes a manifest or an index, and returns its descriptor.
    fn manifest(&mut self, manifest: &Value) -> Result<Value> {
        let media_type = manifest["mediaType"].as_str().unwrap_or(media_type::OCI_MANIFEST);
        Ok(self.put(media_type, &serde_json::to_vec_pretty(manifest)?))
    }

    /// Takes an image of compressed layers for linux.
    fn image(&mut self, architecture: &str, layers: &[&[u8]]) -> Result<Value> {
        let mut diff_ids = Vec::new();
        for layer in layers {
            let mut plain = Vec::new();
            std::io::copy(&mut flate2::read::GzDecoder::new(*layer), &mut plain)?;
            diff_ids.push(Digest::sha256(&plain));
        }
        let config = json!({"created": CREATED, "architecture": architecture, "os": "linux",
            "config": {"Env": ["PATH=/usr/bin"]}, "rootfs": {"type": "layers", "diff_ids": diff_ids}});
        let config = self.put(media_type::OCI_CONFIG, &serde_json::to_vec(&config)?);
        let layers: Vec<Value> = layers.iter().map(|layer| self.put(LAYER, layer)).collect();
        self.manifest(&json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": layers}))
    }

    /// Takes an artifact of one file, with its title.
    fn artifact(&mut self, kind: &str, config: (&str, &[u8]), file: (&str, &[u8], &str)) -> Result<Value> {
        let config = self.put(config.0, config.1);
        let mut layer = self.put(file.0, file.1);
        layer["annotations"] = json!({"org.opencontainers.image.title": file.2});
        self.manifest(
            &json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "artifactType": kind,
            "config": config, "layers": [layer]}),
        )
    }

    /// Names a root: `REPOSITORY:TAG`.
    fn name(&mut self, name: &str, root: &Value) {
        let mut root =
            json!({"mediaType": root["mediaType"], "digest": root["digest"], "size": root["size"]});
        root["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        self.names.push(root);
    }

    fn files(self) -> Result<BTreeMap<String, File>> {
        let index = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": self.names});
        let mut files = BTreeMap::new();
        let mut add = |name: String, bytes: Vec<u8>| {
            files.insert(format!("registry/{name}"), File { bytes, mode: 0o644 })
        };
        add("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
        add("index.json".to_owned(), serde_json::to_vec_pretty(&index)?);
        for (digest, bytes) in self.blobs {
            add(format!("blobs/{}/{}", digest.algorithm().name(), digest.hex()), bytes);
        }
        Ok(files)
    }
}

/// Makes a gzipped tar. Nothing is squeezed, so that the bytes do not hang on how well a version of the library does that.
fn layer(files: &[(&str, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(u64::try_from(bytes.len())?);
        header.set_mode(if path.starts_with("usr/bin/") { 0o755 } else { 0o644 });
        header.set_mtime(CREATED_SECONDS);
        tar.append_data(&mut header, path, bytes.as_slice())?;
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    gzip.write_all(&tar.into_inner()?)?;
    Ok(gzip.finish()?)
}

/// Returns bytes that look like a program's: the same for the same seed, and not compressible (splitmix64).
fn filler(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed;
    let words = std::iter::repeat_with(|| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    });
    words.flat_map(u64::to_le_bytes).take(size).collect()
}
