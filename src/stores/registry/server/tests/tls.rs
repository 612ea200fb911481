//! TLS, with and without client certificates.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::super::{Auth, Options, Server, Tls};
use super::ask::{Answer, answer, head};

struct Signed {
    certificate: String,
    key: String,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn sign(authority: &CertifiedIssuer<'static, KeyPair>) -> Signed {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    Signed { certificate: certificate.pem(), key: key.serialize_pem() }
}

fn ask(server: &Server, authority: &str, client: Option<&Signed>) -> Option<Answer> {
    let certificate = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate(authority)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let config = match client {
        None => builder.with_no_client_auth(),
        Some(signed) => {
            let key = PrivateKeyDer::from_pem_slice(signed.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![certificate(&signed.certificate)], key).unwrap()
        }
    };
    let connection = ClientConnection::new(Arc::new(config), "127.0.0.1".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(server.address()).unwrap());
    stream.write_all(head(server, "GET", "/v2/", &[], 0).as_bytes()).ok()?;
    answer(&mut stream, "GET")
}

#[test]
fn speaks_tls() {
    let authority = authority();
    let signed = sign(&authority);
    let tls = Tls { certificates: signed.certificate, key: signed.key, client_authorities: None };
    let auth = Auth::bearer("user", "secret");
    let server = Server::start(Options { tls: Some(tls), auth, ..Options::memory() }).unwrap();
    assert!(server.url().starts_with("https://127.0.0.1:"));
    let answer = ask(&server, &authority.pem(), None).unwrap();
    assert_eq!(answer.status, 401);
    let realm = format!("Bearer realm=\"{}/token\"", server.url());
    assert!(answer.header("www-authenticate").unwrap().starts_with(&realm));
    // Plain HTTP gets no answer from it.
    assert!(super::ask::try_ask(&server, "GET", "/v2/", &[], b"").is_none());
}

#[test]
fn asks_for_client_certificates() {
    let [authority, other] = [authority(), authority()];
    let signed = sign(&authority);
    let tls =
        Tls { certificates: signed.certificate, key: signed.key, client_authorities: Some(authority.pem()) };
    let server = Server::start(Options { tls: Some(tls), ..Options::memory() }).unwrap();
    assert_eq!(ask(&server, &authority.pem(), Some(&sign(&authority))).unwrap().status, 200);
    assert!(ask(&server, &authority.pem(), Some(&sign(&other))).is_none());
    assert!(ask(&server, &authority.pem(), None).is_none());
}

#[test]
fn refuses_keys_that_cannot_be_used() {
    let signed = sign(&authority());
    for (certificates, key) in [("", signed.key.as_str()), (signed.certificate.as_str(), ""), ("x", "y")] {
        let tls =
            Tls { certificates: certificates.to_owned(), key: key.to_owned(), client_authorities: None };
        assert_eq!(
            Server::start(Options { tls: Some(tls), ..Options::memory() }).unwrap_err().exit_code(),
            2
        );
    }
}
