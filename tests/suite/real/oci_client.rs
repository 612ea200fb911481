//! The crate `oci-client`: another reading of the specification, which has to agree.

use oci_client::Reference;
use oci_client::client::{Certificate, CertificateEncoding, Client, ClientConfig, ClientProtocol};
use oci_client::secrets::RegistryAuth;

use super::Place;
use crate::docker_registry::{PASSWORD, USER};
use crate::fixture::Graph;

/// Pulls every manifest and every blob, and compares the bytes.
pub(super) fn pulls(place: &Place, path: &str, tag: &str, graph: &Graph) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(all(place, path, tag, graph));
}

async fn all(place: &Place, path: &str, tag: &str, graph: &Graph) {
    let authority = place.authority.iter();
    let protocol = if place.authority.is_some() { ClientProtocol::Https } else { ClientProtocol::Http };
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::new(ClientConfig {
        protocol,
        extra_root_certificates: authority
            .map(|pem| Certificate { encoding: CertificateEncoding::Pem, data: pem.clone().into_bytes() })
            .collect(),
        ..ClientConfig::default()
    });
    let auth = if place.login {
        RegistryAuth::Basic(USER.to_owned(), PASSWORD.to_owned())
    } else {
        RegistryAuth::Anonymous
    };
    // It is to agree on what is there, not on the way.
    let host = place.proxy.as_ref().map_or(&place.host, |(_, address)| address);
    let repository = format!("{host}/{path}");
    let tagged: Reference = format!("{repository}:{tag}").parse().unwrap();
    let types: Vec<&str> = graph.manifests.iter().map(|manifest| manifest.media_type.as_str()).collect();
    let (bytes, digest) = client.pull_manifest_raw(&tagged, &auth, &types).await.unwrap();
    assert_eq!((digest, &bytes[..]), (graph.digest().to_string(), &graph.root().bytes[..]));
    for manifest in &graph.manifests {
        let pinned: Reference = format!("{repository}@{}", manifest.digest).parse().unwrap();
        let (bytes, _) = client.pull_manifest_raw(&pinned, &auth, &types).await.unwrap();
        assert_eq!(&bytes[..], &manifest.bytes[..], "{pinned}");
    }
    for blob in &graph.blobs {
        let mut bytes = Vec::new();
        client.pull_blob(&tagged, blob.digest.to_string().as_str(), &mut bytes).await.unwrap();
        assert!(bytes == blob.bytes, "{}", blob.digest);
    }
}
