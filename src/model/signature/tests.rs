use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PublicKeyData, SigningKey,
};

use super::*;

fn public(pair: &KeyPair) -> PublicKey {
    PublicKey::parse("key.pub", pair.public_key_pem().as_bytes()).unwrap()
}

fn pairs() -> [KeyPair; 2] {
    [&PKCS_ECDSA_P256_SHA256, &PKCS_ED25519].map(|algorithm| KeyPair::generate_for(algorithm).unwrap())
}

fn simple(pair: &KeyPair, kind: &str, digest: &Digest) -> (Descriptor, Vec<u8>) {
    let payload = format!(
        r#"{{"critical":{{"identity":{{"docker-reference":"r.io/a"}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"{kind}"}},"optional":null}}"#
    );
    let mut layer = Descriptor::of(simple_signing::MEDIA_TYPE, payload.as_bytes());
    let signature = STANDARD.encode(pair.sign(payload.as_bytes()).unwrap());
    layer.annotations.insert("dev.cosignproject.cosign/signature".to_owned(), signature);
    (layer, payload.into_bytes())
}

fn bundle(pair: &KeyPair, payload_type: &str, predicate: &str, digest: &Digest) -> (Descriptor, Vec<u8>) {
    let statement = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"digest":{{"sha256":"{}"}}}}],"predicateType":"{predicate}","predicate":{{}}}}"#,
        digest.hex()
    );
    let message = format!("DSSEv1 {} {payload_type} {} {statement}", payload_type.len(), statement.len());
    let signature = STANDARD.encode(pair.sign(message.as_bytes()).unwrap());
    let payload = STANDARD.encode(&statement);
    let json = format!(
        r#"{{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{{}},"dsseEnvelope":{{"payload":"{payload}","payloadType":"{payload_type}","signatures":[{{"sig":"{signature}"}}]}}}}"#
    );
    (Descriptor::of("application/vnd.dev.sigstore.bundle.v0.3+json", json.as_bytes()), json.into_bytes())
}

const TYPE: &str = "cosign container image signature";
const STATEMENT: &str = "application/vnd.in-toto+json";
const PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";

#[test]
fn a_signature_holds_for_its_key_and_its_digest() {
    let (digest, other) = (Digest::sha256(b"manifest"), Digest::sha256(b"another"));
    for pair in pairs() {
        let (key, stranger) = (public(&pair), public(&KeyPair::generate().unwrap()));
        for (layer, bytes) in [simple(&pair, TYPE, &digest), bundle(&pair, STATEMENT, PREDICATE, &digest)] {
            assert!(is_signature(&layer, &bytes, &key, &digest));
            assert!(!is_signature(&layer, &bytes, &stranger, &digest), "another key");
            assert!(!is_signature(&layer, &bytes, &key, &other), "another digest");
            for place in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[place] ^= 1;
                // The parts of a bundle that nobody signs say nothing about the digest.
                let judged = is_signature(&layer, &changed, &key, &other);
                assert!(!judged, "byte {place} of {}", layer.media_type);
            }
        }
    }
}

#[test]
fn every_byte_of_what_simple_signing_signs_counts() {
    let (pair, digest) = (KeyPair::generate().unwrap(), Digest::sha256(b"manifest"));
    let (layer, bytes) = simple(&pair, TYPE, &digest);
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(!is_signature(&layer, &changed, &public(&pair), &digest), "byte {place}");
    }
    let unsigned = Descriptor::of(&layer.media_type, &bytes);
    assert!(!is_signature(&unsigned, &bytes, &public(&pair), &digest));
}

#[test]
fn what_is_signed_has_to_stand_for_the_image() {
    let (pair, digest) = (KeyPair::generate().unwrap(), Digest::sha256(b"manifest"));
    let attestation = "https://slsa.dev/provenance/v1";
    for (layer, bytes) in [
        simple(&pair, "atomic container signature", &digest),
        bundle(&pair, "application/json", PREDICATE, &digest),
        bundle(&pair, STATEMENT, attestation, &digest),
    ] {
        assert!(
            !is_signature(&layer, &bytes, &public(&pair), &digest),
            "{}",
            String::from_utf8_lossy(&bytes)
        );
    }
}

#[test]
fn other_layers_are_not_signatures() {
    let (pair, digest) = (KeyPair::generate().unwrap(), Digest::sha256(b"manifest"));
    let (layer, bytes) = simple(&pair, TYPE, &digest);
    let other = Descriptor { media_type: "application/octet-stream".to_owned(), ..layer.clone() };
    assert!(!is_signature(&other, &bytes, &public(&pair), &digest));
    let long = Descriptor { size: MAX_SIGNATURE + 1, ..layer.clone() };
    let manifest = Manifest {
        layers: vec![other, long, layer.clone()],
        ..Manifest::parse("", br#"{"schemaVersion":2,"layers":[]}"#).unwrap()
    };
    assert_eq!(signatures(&manifest).collect::<Vec<_>>(), [&layer]);
}

#[test]
fn keys_are_told_from_other_files() {
    let pem = |label: &str, der: &[u8]| {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    };
    let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let secret = KeyPair::generate().unwrap();
    for (text, expected) in [
        (secret.serialize_pem(), "key `k`: it is a private key, which stays with who signs"),
        (
            pem("ENCRYPTED SIGSTORE PRIVATE KEY", b"x"),
            "key `k`: it is a private key, which stays with who signs",
        ),
        (pem("CERTIFICATE", b"x"), "key `k`: it is a certificate"),
        (
            pem("PUBLIC KEY", b"x"),
            "key `k`: it is of another kind than ECDSA P-256, Ed25519 and RSA of 2048 bits and more",
        ),
        (
            pem("PUBLIC KEY", &p384.subject_public_key_info()),
            "key `k`: it is of another kind than ECDSA P-256, Ed25519 and RSA of 2048 bits and more",
        ),
        ("ssh-ed25519 AAAA".to_owned(), "key `k`: it holds no `PUBLIC KEY` in PEM"),
        (String::new(), "key `k`: it holds no `PUBLIC KEY` in PEM"),
    ] {
        let error = PublicKey::parse("k", text.as_bytes()).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.exit_code()), (expected, 2), "{text}");
    }
}
