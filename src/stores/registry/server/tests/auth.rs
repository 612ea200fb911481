//! Passwords, tokens, scopes and their end.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::super::{Anonymous, Auth, Bearer, Clock, Options, Server};
use super::{Answer, ask, assert_refused};

fn start(auth: Auth) -> Server {
    Server::start(Options { auth, ..Options::memory() }).unwrap()
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn with(server: &Server, authorization: &str, method: &str, path: &str) -> Answer {
    ask(server, method, path, &[("Authorization", authorization)], b"")
}

fn token(server: &Server, query: &str) -> String {
    let answer = with(server, &basic("user", "secret"), "GET", &format!("/token?service=registry{query}"));
    assert_eq!(answer.status, 200);
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["token"], body["access_token"]);
    format!("Bearer {}", body["token"].as_str().unwrap())
}

#[test]
fn asks_for_a_password() {
    let server = start(Auth::basic("user", "secret"));
    let none = ask(&server, "GET", "/v2/", &[], b"");
    assert_refused(&none, 401, "UNAUTHORIZED");
    assert_eq!(none.header("www-authenticate"), Some("Basic realm=\"registry\""));
    for wrong in
        [basic("user", "wrong"), basic("other", "secret"), "Basic !".to_owned(), "Bearer x".to_owned()]
    {
        assert_refused(&with(&server, &wrong, "GET", "/v2/"), 401, "UNAUTHORIZED");
    }
    assert_eq!(with(&server, &basic("user", "secret"), "GET", "/v2/").status, 200);
}

#[test]
fn gives_tokens_for_a_password() {
    let server = start(Auth::bearer("user", "secret"));
    let none = ask(&server, "GET", "/v2/a/b/tags/list", &[], b"");
    assert_refused(&none, 401, "UNAUTHORIZED");
    let challenge =
        format!("Bearer realm=\"{}/token\",service=\"registry\",scope=\"repository:a/b:pull\"", server.url());
    assert_eq!(none.header("www-authenticate"), Some(challenge.as_str()));
    server.registry().put_blob("a/b", b"abc").unwrap();
    let pull = token(&server, "&scope=repository:a/b:pull");
    assert_eq!(with(&server, &pull, "GET", "/v2/a/b/tags/list").status, 200);
    assert_eq!(with(&server, &pull, "GET", "/v2/").status, 200);
    let push = with(&server, &pull, "POST", "/v2/a/b/blobs/uploads/");
    assert_refused(&push, 401, "UNAUTHORIZED");
    let challenge = push.header("www-authenticate").unwrap();
    assert!(
        challenge.ends_with("scope=\"repository:a/b:pull,push\",error=\"insufficient_scope\""),
        "{challenge}"
    );
    assert_refused(&with(&server, &basic("user", "wrong"), "GET", "/token"), 401, "UNAUTHORIZED");
    assert_refused(&ask(&server, "GET", "/token", &[], b""), 401, "UNAUTHORIZED");
    assert_refused(&with(&server, &basic("user", "secret"), "GET", "/v2/"), 401, "UNAUTHORIZED");
}

#[test]
fn mounts_only_from_where_one_may_pull() {
    let server = start(Auth::bearer("user", "secret"));
    let digest = server.registry().put_blob("from", b"abc").unwrap();
    let path = format!("/v2/to/blobs/uploads/?mount={digest}&from=from");
    let alone = token(&server, "&scope=repository:to:pull,push");
    assert_refused(&with(&server, &alone, "POST", &path), 401, "UNAUTHORIZED");
    for scopes in [
        "&scope=repository:to:pull,push&scope=repository:from:pull",
        "&scope=repository:to:push,pull+repository:from:pull",
    ] {
        assert_eq!(with(&server, &token(&server, scopes), "POST", &path).status, 201);
    }
}

#[test]
fn ends_tokens_by_the_clock() {
    let (clock, hand) = Clock::manual();
    let mut options = Options { auth: Auth::bearer("user", "secret"), clock, ..Options::memory() };
    options.limits.tokens = 2;
    let server = Server::start(options).unwrap();
    let status = |token: &str| with(&server, token, "GET", "/v2/").status;
    let first = token(&server, "");
    hand.advance(Duration::from_secs(299));
    let second = token(&server, "");
    assert_eq!((status(&first), status(&second)), (200, 200));
    hand.advance(Duration::from_secs(1));
    assert_eq!((status(&first), status(&second)), (401, 200));
    let answer = with(&server, &first, "GET", "/v2/");
    assert!(answer.header("www-authenticate").unwrap().ends_with("error=\"invalid_token\""));
    let (third, fourth) = (token(&server, ""), token(&server, ""));
    assert_eq!((status(&second), status(&third), status(&fourth)), (401, 200, 200));
    server.end_tokens();
    assert_eq!(status(&fourth), 401);
}

#[test]
fn lets_anybody_pull_where_it_is_told_to() {
    let server = start(Auth::Bearer(Bearer { anonymous: Anonymous::Pull, ..Bearer::new("user", "secret") }));
    let answer = ask(&server, "GET", "/token?scope=repository:a:pull,push", &[], b"");
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    let token = format!("Bearer {}", body["token"].as_str().unwrap());
    assert_eq!(with(&server, &token, "GET", "/v2/a/tags/list").status, 404);
    assert_eq!(with(&server, &token, "POST", "/v2/a/blobs/uploads/").status, 401);
}

#[test]
fn gives_tokens_for_forms() {
    let bearer = Bearer { identity_token: Some("identity".to_owned()), ..Bearer::new("user", "secret") };
    let server = start(Auth::Bearer(bearer));
    for (form, status) in [
        ("grant_type=password&username=user&password=secret&scope=repository:a:pull", 200),
        ("grant_type=password&username=user&password=wrong", 401),
        ("grant_type=refresh_token&refresh_token=identity&service=registry", 200),
        ("grant_type=refresh_token&refresh_token=other", 401),
        ("grant_type=refresh_token", 401),
        ("", 401),
    ] {
        assert_eq!(ask(&server, "POST", "/token", &[], form.as_bytes()).status, status, "{form}");
    }
    assert_eq!(ask(&server, "DELETE", "/token", &[], b"").status, 405);
}

#[test]
fn names_another_realm() {
    let realm = Some("https://elsewhere.example/token".to_owned());
    let server = start(Auth::Bearer(Bearer { realm, ..Bearer::new("user", "secret") }));
    let answer = ask(&server, "GET", "/v2/", &[], b"");
    assert!(answer.header("www-authenticate").unwrap().contains("realm=\"https://elsewhere.example/token\""));
}
