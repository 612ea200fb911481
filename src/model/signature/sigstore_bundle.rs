//! The sigstore bundle (sigstore/protobuf-specs, `sigstore_bundle.proto`), as cosign 3 attaches it to an image: a DSSE
//! envelope (secure-systems-lab/dsse, `protocol.md`) around an in-toto statement (in-toto/attestation, `spec/v1`).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::PublicKey;
use crate::model::digest::Digest;

/// What the media type begins with; the version follows.
const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.";
/// What is in the envelope.
const STATEMENT: &str = "application/vnd.in-toto+json";
/// What the statement is; there are newer versions of the specification, but this is what they all say.
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// What the statement says of its subject: that somebody stands for it. Others say how it was built, or what is in it.
const PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";
/// The most signatures of one envelope that are tried.
const MAX_SIGNATURES: usize = 16;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    dsse_envelope: Envelope,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    sig: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    predicate_type: String,
    subject: Vec<Subject>,
}

#[derive(Deserialize)]
struct Subject {
    digest: BTreeMap<String, String>,
}

/// Returns whether a media type is that of a bundle: version 0.3 is written in two ways.
pub(super) fn is_media_type(media_type: &str) -> bool {
    media_type.starts_with(MEDIA_TYPE) && media_type.ends_with("+json")
}

/// Returns whether a bundle is a signature of `key` on `subject`. What is signed is looked at only once the signature is
/// right.
pub(super) fn holds(bytes: &[u8], key: &PublicKey, subject: &Digest) -> bool {
    let Ok(Bundle { dsse_envelope: envelope }) = serde_json::from_slice(bytes) else { return false };
    let Ok(payload) = STANDARD.decode(&envelope.payload) else { return false };
    let message = encoded(&envelope.payload_type, &payload);
    let mut signatures = envelope.signatures.iter().take(MAX_SIGNATURES);
    let signed = signatures
        .any(|one| STANDARD.decode(&one.sig).is_ok_and(|signature| key.has_signed(&message, &signature)));
    if !signed || envelope.payload_type != STATEMENT {
        return false;
    }
    let Ok(statement) = serde_json::from_slice::<Statement>(&payload) else { return false };
    let named = |one: &Subject| one.digest.get(subject.algorithm().name()) == Some(&subject.hex());
    statement.kind == STATEMENT_TYPE
        && statement.predicate_type == PREDICATE
        && statement.subject.iter().any(named)
}

/// Returns what is signed of an envelope: its "pre-authentication encoding".
fn encoded(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    message.extend_from_slice(payload);
    message
}
