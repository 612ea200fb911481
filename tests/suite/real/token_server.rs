//! A token server as Debian's `docker-registry` and `distribution` want one (Docker registry token specification): it asks
//! for a password and signs what it allows (RFC 7519, ES256).

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, KeyPair};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};
use url::Url;

use crate::docker_registry::{PASSWORD, USER};

/// Who signs tokens.
pub(crate) const ISSUER: &str = "token server of the tests";
/// Whom tokens are for.
pub(crate) const SERVICE: &str = "registry of the tests";

/// A token server that runs.
pub(crate) struct TokenServer {
    address: SocketAddr,
    pem: String,
    asked: Arc<AtomicUsize>,
    closed: Arc<AtomicBool>,
}

impl TokenServer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
        let signer = Signer::new(&key, certificate.der());
        let server = Self {
            address: listener.local_addr().unwrap(),
            pem: certificate.pem(),
            asked: Arc::default(),
            closed: Arc::default(),
        };
        let (asked, closed) = (Arc::clone(&server.asked), Arc::clone(&server.closed));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if closed.load(Ordering::Relaxed) {
                    return;
                }
                // A client that leaves in the middle gets no token.
                let _ = stream.and_then(|stream| answer(stream, &signer, &asked));
            }
        });
        server
    }

    /// Returns the URL that a registry names as its realm.
    pub(crate) fn realm(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// Returns the certificate of the key that signs.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Returns how many tokens were asked for.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.address);
    }
}

struct Signer {
    key: EcdsaKeyPair,
    random: SystemRandom,
    certificate: String,
}

impl Signer {
    fn new(key: &KeyPair, certificate: &[u8]) -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.serialize_der(), &random);
        Self { key: key.unwrap(), random, certificate: STANDARD.encode(certificate) }
    }

    fn token(&self, access: &[Value]) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let head = json!({"typ": "JWT", "alg": "ES256", "x5c": [self.certificate]});
        let claims = json!({
            "iss": ISSUER, "sub": USER, "aud": SERVICE, "jti": now.to_string(), "access": access,
            "iat": now - 10, "nbf": now - 10, "exp": now + 300,
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&head), part(&claims));
        let signature = self.key.sign(&self.random, text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn answer(mut stream: TcpStream, signer: &Signer, asked: &AtomicUsize) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let mut authorization = String::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else { break };
        if name.eq_ignore_ascii_case("authorization") {
            value.clone_into(&mut authorization);
        }
    }
    asked.fetch_add(1, Ordering::Relaxed);
    let known = format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
    let (status, body) = if authorization == known {
        let target = first.split(' ').nth(1).unwrap_or_default();
        let url = Url::parse(&format!("http://127.0.0.1{target}")).unwrap();
        let scopes = url.query_pairs().filter(|(name, _)| name == "scope");
        let access: Vec<Value> = scopes.filter_map(|(_, scope)| grant(&scope)).collect();
        ("200 OK", json!({"token": signer.token(&access), "expires_in": 300}).to_string())
    } else {
        ("401 Unauthorized", "{}".to_owned())
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// Grants what a scope asks for, `repository:PATH:ACTION,…`.
fn grant(scope: &str) -> Option<Value> {
    let (kind, rest) = scope.split_once(':')?;
    let (name, actions) = rest.rsplit_once(':')?;
    Some(json!({"type": kind, "name": name, "actions": actions.split(',').collect::<Vec<_>>()}))
}
