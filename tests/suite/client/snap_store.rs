//! The client of snap stores, against a store on loopback.

use std::sync::Arc;

use airgap_bundle::content::jobs;
use airgap_bundle::content::ranges::Ranges;
use airgap_bundle::model::assertion::{Assertion, Trust};
use airgap_bundle::model::error::{Error, Result};
use airgap_bundle::model::sha3::Sha3_384;
use airgap_bundle::model::snap::GLOBAL_UPLOAD;
use airgap_bundle::model::snap::{Confinement, SnapType};
use airgap_bundle::stores::snap_store::{
    Downloads, Pick, Settings, SnapStore as Client, StoreSnap, Wanted, store_url,
};
use airgap_bundle::stores::squashfs::Squashfs;
use serde_json::json;

use super::place::{Place, read};
use crate::fixture::assertions::{self, Key};
use crate::fixture::{Page, Release, SnapStore, Trouble, Web, bytes, squashfs};

const SIZE: usize = 300_000;

fn k8s() -> Release {
    Release::new("k8s", 1234, bytes(1, SIZE))
        .channels(&["1.32-classic/stable"])
        .on("core20")
        .confined("classic")
}

fn settings(store: &SnapStore) -> Settings {
    Settings::new(store_url(&store.url()).unwrap())
}

fn client(place: &Place, store: &SnapStore) -> Client {
    Client::new(place.client.http().clone(), settings(store))
}

fn wanted(text: &str) -> Wanted {
    let mut words = text.split(' ');
    let mut next = || words.next().map(str::to_owned);
    let (name, architecture) = (next().unwrap(), next().unwrap());
    let pick = next().map_or(Pick::Default, |pick| match pick.parse() {
        Ok(revision) => Pick::Revision(revision),
        Err(_) => Pick::Channel(pick.parse().unwrap()),
    });
    Wanted { name, pick, architecture }
}

/// Asks for one snap.
async fn resolve(place: &Place, store: &SnapStore, text: &str) -> Result<StoreSnap> {
    client(place, store).resolve(&[wanted(text)]).await?.remove(0)
}

#[tokio::test]
async fn a_channel_is_resolved_as_snap_download_does() {
    let (place, store) = (Place::new(), SnapStore::start([k8s()]));
    let snap = resolve(&place, &store, "k8s amd64 1.32-classic/stable").await.unwrap();
    assert_eq!((snap.name.as_str(), snap.revision, snap.version.as_str()), ("k8s", 1234, "1.1234"));
    assert_eq!((snap.kind, snap.confinement), (SnapType::App, Confinement::Classic));
    assert_eq!(snap.kind.needs(snap.base.as_deref()), Some("core20"));
    assert_eq!(snap.channel.unwrap().to_string(), "1.32-classic/stable");
    assert_eq!(
        (snap.publisher.username.as_str(), snap.publisher.validation.as_str()),
        ("canonical", "verified")
    );
    assert_eq!((snap.download.size, snap.download.sha3_384), (300_000, Sha3_384::of(&bytes(1, SIZE))));

    let asked = store.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].line, "POST /v2/snaps/refresh");
    assert_eq!(
        asked[0].body["actions"],
        json!([{"action": "download", "instance-key": "download-1", "name": "k8s", "channel": "1.32-classic/stable", "epoch": null}])
    );
    for (name, value) in [
        ("snap-device-series", "16"),
        ("snap-device-architecture", "amd64"),
        ("snap-device-capabilities", "default-tracks"),
        ("snap-classic", "true"),
        ("accept", "application/json"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(asked[0].headers.get(name).map(String::as_str), Some(value), "{name}");
    }
    for name in ["snap-device-store", "authorization", "cookie"] {
        assert_eq!(asked[0].headers.get(name), None, "{name}");
    }
}

#[tokio::test]
async fn many_snaps_are_one_request_for_each_architecture() {
    let place = Place::new();
    let store = SnapStore::start([
        k8s(),
        Release::new("k8s", 1235, "arm").channels(&["1.32-classic/stable"]).architectures(&["arm64"]),
        Release::base("core20", 20, "core20").architectures(&["amd64", "arm64"]),
        Release::base("bare", 5, "bare").architectures(&["all"]),
    ]);
    let all =
        ["core20 arm64", "k8s amd64 1.32-classic/stable", "nothing amd64", "k8s arm64 1235", "bare amd64"];
    let snaps = client(&place, &store).resolve(&all.map(wanted)).await.unwrap();
    let revisions: Vec<Option<u32>> =
        snaps.iter().map(|snap| snap.as_ref().ok().map(|snap| snap.revision)).collect();
    assert_eq!(revisions, [Some(20), Some(1234), None, Some(1235), Some(5)]);
    let asked = store.asked();
    let sent: Vec<(&str, usize)> = asked
        .iter()
        .map(|asked| {
            (
                asked.headers["snap-device-architecture"].as_str(),
                asked.body["actions"].as_array().unwrap().len(),
            )
        })
        .collect();
    assert_eq!(sent, [("amd64", 3), ("arm64", 2)]);
    assert!(client(&place, &store).resolve(&[]).await.unwrap().is_empty());
    assert!(store.asked().is_empty());
}

#[tokio::test]
async fn the_store_chooses_where_nothing_is_said() {
    let place = Place::new();
    let store = SnapStore::start([k8s()]);
    store.put(Release::new("k8s", 9, "old"));
    assert_eq!(resolve(&place, &store, "k8s amd64").await.unwrap().revision, 9);
    store.default_track("k8s", "1.32-classic");
    assert_eq!(resolve(&place, &store, "k8s amd64").await.unwrap().revision, 1234);
    // An empty channel is served by a better one.
    let snap = resolve(&place, &store, "k8s amd64 1.32-classic/edge").await.unwrap();
    assert_eq!(snap.channel.unwrap().to_string(), "1.32-classic/stable");
}

#[tokio::test]
async fn a_channel_that_is_not_there_brings_those_that_are() {
    let place = Place::new();
    let beta = Release::new("k8s", 1300, "beta").channels(&["1.33-classic/beta", "latest/edge"]);
    let store = SnapStore::start([k8s(), beta]);
    let error = resolve(&place, &store, "k8s amd64 1.33-classic/stable").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "reading from snap store `{}`: snap `k8s` in channel `1.33-classic/stable` for `amd64` was not found",
            store.host()
        )
    );
    assert_eq!(
        error.hint(),
        Some("for `amd64` it is released to `1.33-classic/beta`, `latest/edge` and `1.32-classic/stable`")
    );
    let error = resolve(&place, &store, "k8s s390x").await.unwrap_err();
    assert_eq!(error.hint(), Some("it is released for `amd64`, and not for `s390x`"));
    let error = resolve(&place, &store, "k8s amd64 7").await.unwrap_err();
    assert!(error.to_string().contains("revision 7 of snap `k8s` for `amd64` was not found"), "{error}");
    let error = resolve(&place, &store, "k9s amd64").await.unwrap_err();
    assert!(error.to_string().ends_with("snap `k9s` was not found") && error.hint().is_some(), "{error}");
}

#[tokio::test]
async fn a_store_that_is_busy_is_asked_again() {
    let (place, store) = (Place::new(), SnapStore::start([k8s()]));
    store.fail(1, "refresh", Trouble::Status(429, "Retry-After: 7\r\n", String::new()));
    store.fail(1, "refresh", Trouble::Status(503, "", String::new()));
    assert!(resolve(&place, &store, "k8s amd64 1234").await.is_ok());
    assert_eq!(store.asked().len(), 3);
    assert!(place.waits().iter().any(|wait| *wait >= 7000), "{:?}", place.waits());
}

#[tokio::test]
async fn what_is_no_answer_of_a_store_is_told() {
    let refused = r#"{"error-list": [{"code": "invalid-field", "message": "bad\u001b[2J"}]}"#;
    for (trouble, expected) in [
        (Trouble::Status(429, "", String::new()), "HTTP status 429"),
        (Trouble::Status(400, "", refused.to_owned()), "HTTP status 400: invalid-field: bad\\u{1b}[2J"),
        (Trouble::Status(403, "", String::new()), "was denied: HTTP status 403"),
        (Trouble::Status(404, "", String::new()), "was not found"),
        (
            Trouble::Status(200, "Content-Type: text/html\r\n", "<title>Log in</title>".to_owned()),
            "a page of type `text/html`",
        ),
        (Trouble::Status(200, "", "{".to_owned()), "no answer of a snap store"),
        (Trouble::Status(200, "", "{}".to_owned()), "the store's answer says nothing of it"),
        (Trouble::Status(200, "", refused.to_owned()), "invalid-field: bad\\u{1b}[2J"),
        (Trouble::Status(200, "", " ".repeat(9 << 20)), "the answer is longer than the 8388608 bytes"),
        (Trouble::Redirect("https://127.0.0.1:1/".to_owned()), "HTTP status 302"),
    ] {
        let (place, store) = (Place::new(), SnapStore::start([k8s()]));
        store.fail(100, "refresh", trouble.clone());
        let error = resolve(&place, &store, "k8s amd64 1234").await.unwrap_err().to_string();
        assert!(error.contains(expected), "{trouble:.200?}: {error}");
        let place = format!("reading from snap store `{}`: ", store.host());
        assert!(error.starts_with(&place) && !error.contains('\u{1b}'), "{error}");
    }
}

#[tokio::test]
async fn a_store_behind_a_proxy_has_a_path_and_a_name() {
    let place = Place::new();
    for slash in ["", "/"] {
        let store = SnapStore::start_below("/snaps/api", [k8s()]);
        store.put_assertion("account/canonical", "type: account\n");
        let mut settings = Settings::new(store_url(&format!("{}{slash}", store.url())).unwrap());
        settings.store_id = Some("brand".to_owned());
        let client = Client::new(place.client.http().clone(), settings);
        let snap = client.resolve(&[wanted("k8s amd64 1234")]).await.unwrap().remove(0).unwrap();
        client.assertion(&["account", "canonical"], 0).await.unwrap();
        read(client.open(&snap.download, 0).await.unwrap()).await.unwrap();
        let asked = store.asked();
        assert_eq!(
            asked.iter().map(|asked| asked.line.as_str()).collect::<Vec<_>>(),
            [
                "POST /snaps/api/v2/snaps/refresh",
                "GET /snaps/api/v2/assertions/account/canonical?max-format=0",
                &format!("GET /snaps/api{}", k8s().path()),
            ]
        );
        let named = asked.iter().map(|asked| asked.headers.get("snap-device-store").map(String::as_str));
        assert_eq!(named.collect::<Vec<_>>(), [Some("brand"), Some("brand"), None]);
    }
}

#[tokio::test]
async fn assertions_come_as_they_are() {
    let place = Place::new();
    let (store, other) = (SnapStore::start([]), SnapStore::start([]));
    let text = b"type: snap-declaration\r\n\xff\n\nsignature\n".to_vec();
    other.put_assertion("snap-declaration/16/abc", text.clone());
    let settings = Settings { assertions: Some(store_url(&other.url()).unwrap()), ..settings(&store) };
    let client = Client::new(place.client.http().clone(), settings);
    let path = ["snap-declaration", "16", "abc"];
    assert_eq!(client.assertion(&path, 6).await.unwrap(), text);
    let asked = other.asked();
    assert_eq!(asked[0].line, "GET /v2/assertions/snap-declaration/16/abc?max-format=6");
    assert_eq!(asked[0].headers["accept"], "application/x.ubuntu.assertion");
    assert!(store.asked().is_empty());

    for path in [["account", "x"], ["account", ".."], ["account", ""], ["account", &"x".repeat(300)]] {
        let error = client.assertion(&path, 0).await.unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{error}");
    }
    let error = client.assertion(&["account", "x"], 0).await.unwrap_err().to_string();
    assert!(error.contains("assertion `account/x`"), "{error}");
    client.assertion(&["account", "a/../b?c"], 0).await.unwrap_err();
    assert_eq!(other.asked().last().unwrap().line, "GET /v2/assertions/account/a%2F..%2Fb%3Fc?max-format=0");
    other.fail(1, "account", Trouble::Status(200, "", " ".repeat(3 << 20)));
    assert!(client.assertion(&["account", "x"], 0).await.is_err());
}

/// Fetches what proves a snap of the store.
async fn chain(place: &Place, store: &SnapStore, content: &[u8]) -> Result<Vec<Assertion>> {
    client(place, store).chain(&Sha3_384::of(content), GLOBAL_UPLOAD, &trust()).await
}

fn trust() -> Trust {
    Trust::built_in().unwrap().and("root.assert", assertions::root().as_bytes()).unwrap()
}

#[tokio::test]
async fn what_proves_a_snap_comes_in_the_order_of_snapd() {
    let place = Place::new();
    let mut foreign = Release::new("hello", 7, "hello");
    foreign.publisher = ["dev1", "developer", "unproven"].map(str::to_owned);
    let store = SnapStore::start([k8s(), foreign]);
    store.sign();
    for (content, name, kinds) in [
        (bytes(1, SIZE), "k8s", &["account-key", "snap-declaration", "snap-revision"][..]),
        (b"hello".to_vec(), "hello", &["account-key", "account", "snap-declaration", "snap-revision"]),
    ] {
        let (trust, chain) = (trust(), chain(&place, &store, &content).await.unwrap());
        assert_eq!(chain.iter().map(Assertion::kind).collect::<Vec<_>>(), kinds);
        let proof = trust.prove(&chain).unwrap().snap(&Sha3_384::of(&content)).unwrap();
        assert_eq!(proof.name, name);
        let asked = store.asked();
        assert_eq!(asked.len(), kinds.len(), "each once");
        assert!(asked.iter().any(|asked| asked.line.contains("snap-declaration") && asked.line.ends_with("?max-format=6")));
        assert!(
            asked
                .iter()
                .any(|asked| asked.line.contains("account-key") && asked.line.ends_with("?max-format=1"))
        );
    }
}

#[tokio::test]
async fn a_chain_with_a_hole_or_another_link_is_refused() {
    let place = Place::new();
    let (store, content) = (SnapStore::start([k8s()]), bytes(1, SIZE));
    let error = chain(&place, &store, &content).await.unwrap_err().to_string();
    assert!(
        error.contains(&format!("assertion `snap-revision/{}`", Sha3_384::of(&content).base64url())),
        "{error}"
    );
    store.sign();
    store.asked();
    let declaration = format!("snap-declaration/16/{}", k8s().id);
    for (bytes, code, expected) in [
        (
            assertions::declaration("other", "k8s", "canonical").signed(Key::Store),
            3,
            "another assertion than was asked for",
        ),
        (assertions::store_key().to_owned(), 3, "another assertion than was asked for"),
        ("type: snap-declaration\n".to_owned(), 1, "what came is none: line"),
        (String::new(), 1, "what came is none: line"),
    ] {
        store.put_assertion(&declaration, bytes);
        let error = chain(&place, &store, &content).await.unwrap_err();
        let text = error.to_string();
        assert!(
            error.exit_code() == code && text.contains(expected) && text.contains(&declaration),
            "{text}"
        );
    }
}

/// Downloads the k8s snap, after what `fails` does to the store.
async fn download(fails: impl Fn(&SnapStore)) -> (Place, SnapStore, Result<Vec<u8>>) {
    let (place, store) = (Place::new(), SnapStore::start([k8s()]));
    let client = client(&place, &store);
    let snap = client.resolve(&[wanted("k8s amd64 1234")]).await.unwrap().remove(0).unwrap();
    store.asked();
    fails(&store);
    let body = match client.open(&snap.download, 0).await {
        Ok(body) => read(body).await,
        Err(error) => Err(error),
    };
    (place, store, body)
}

#[tokio::test]
async fn a_download_that_is_cut_off_goes_on() {
    let (_, store, body) = download(|store| {
        store.fail(1, "download", Trouble::Cut(100_000));
        store.fail(1, "download", Trouble::Cut(50_000));
    })
    .await;
    assert!(body.unwrap() == bytes(1, SIZE));
    let ranges: Vec<_> = store.asked().into_iter().map(|asked| asked.headers.get("range").cloned()).collect();
    assert_eq!(ranges, [None, Some("bytes=100000-".to_owned()), Some("bytes=150000-".to_owned())]);
}

#[tokio::test]
async fn a_download_goes_on_where_ranges_are_unknown() {
    let (.., body) = download(|store| {
        store.fail(1, "download", Trouble::Cut(100_000));
        store.fail(1, "download", Trouble::Whole);
    })
    .await;
    assert!(body.unwrap() == bytes(1, SIZE));
}

#[tokio::test]
async fn a_download_survives_a_busy_place() {
    let (place, store, body) = download(|store| {
        store.fail(1, "download", Trouble::Status(429, "Retry-After: 3\r\n", String::new()));
        store.fail(1, "download", Trouble::Status(502, "", String::new()));
    })
    .await;
    assert!(body.unwrap() == bytes(1, SIZE));
    assert_eq!(store.asked().len(), 3);
    assert!(place.waits().iter().any(|wait| *wait >= 3000));
}

#[tokio::test]
async fn a_download_elsewhere_gets_no_name_of_ours() {
    let cdn = Web::start([("/k8s.snap", Page::sized(bytes(1, SIZE)))]);
    let to = format!("http://{}/k8s.snap?token=secret", cdn.host());
    let (place, _, body) = download(|store| store.fail(1, "download", Trouble::Redirect(to.clone()))).await;
    assert!(body.unwrap() == bytes(1, SIZE));
    assert_eq!(cdn.asked().len(), 1);
    let requests = place.heard.requests.lock().unwrap().join("\n");
    assert!(!requests.contains("secret"), "{requests}");
}

#[tokio::test]
async fn what_is_no_snap_is_refused() {
    let html = "Content-Type: text/html\r\n";
    for (trouble, expected) in [
        (
            Trouble::Status(404, html, "<title>Gone</title>".to_owned()),
            "revision 1234 of snap `k8s` (HTTP status 404) was not found",
        ),
        (Trouble::Status(403, "", String::new()), "revision 1234 of snap `k8s` was denied: HTTP status 403"),
        (Trouble::Status(200, html, "<title>Log in</title>".to_owned()), "a page of type `text/html`"),
        (Trouble::Status(200, "", "short".to_owned()), "expected 300000 bytes, got 5 bytes"),
    ] {
        let (.., body) = download(|store| store.fail(100, "download", trouble.clone())).await;
        let error = body.unwrap_err().to_string();
        assert!(error.contains(expected), "{trouble:?}: {error}");
    }
    let (.., body) = download(|store| store.fail(1, "download", Trouble::Flip(7))).await;
    assert!(body.unwrap() != bytes(1, SIZE), "the hash is the caller's to check");
}

#[tokio::test]
async fn parts_of_a_snap_are_read_by_range() {
    let (place, store) = (Place::new(), SnapStore::start([k8s()]));
    let settings = Settings { downloads: Downloads::Store, ..settings(&store) };
    let client = Client::new(place.client.http().clone(), settings);
    let snap = client.resolve(&[wanted("k8s amd64 1234")]).await.unwrap().remove(0).unwrap();
    store.asked();
    let content = bytes(1, SIZE);
    for (offset, length) in [(0, 96), (65_536, 65_536), (299_999, 1), (5, 0)] {
        let part = client.range(&snap.download, u64::try_from(offset).unwrap(), length).await.unwrap();
        assert!(part == content[offset..offset + length], "{offset} {length}");
    }
    let asked = store.asked();
    let ranges: Vec<&str> = asked.iter().map(|asked| asked.headers["range"].as_str()).collect();
    assert_eq!(ranges, ["bytes=0-95", "bytes=65536-131071", "bytes=299999-299999"]);
    assert!(asked.iter().all(|asked| asked.headers["snap-cdn"] == "none"));

    store.fail(1, "download", Trouble::Whole);
    let error = client.range(&snap.download, 0, 96).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(client.range(&snap.download, 299_990, 20).await.is_err(), "fewer than were asked for");
    let longer = airgap_bundle::stores::snap_store::Download { size: 300_001, ..snap.download };
    assert_eq!(client.range(&longer, 0, 96).await.unwrap_err().exit_code(), 3);
}

#[tokio::test]
async fn a_snap_is_looked_into_where_it_is() {
    let yaml = "name: k8s\nversion: 1.32.1\nbase: core20\nconfinement: classic\n";
    let image = squashfs::snap(yaml, &[("images.txt", b"pause:3.10\n"), ("bin/k8s", &bytes(1, 3 << 20))]);
    let place = Place::new();
    let store = SnapStore::start([Release::new("k8s", 1234, image)]);
    let client = client(&place, &store);
    let snap = client.resolve(&[wanted("k8s amd64")]).await.unwrap().remove(0).unwrap();
    store.asked();
    store.fail(1, "download", Trouble::Status(503, "", String::new()));
    let look = |image: Ranges| {
        jobs::offload(move || {
            let mut image = Squashfs::open(Arc::new(image), "k8s_1234.snap")?;
            Ok::<_, Error>((image.snap()?.version, image.read("images.txt", 1000)?))
        })
    };
    let (version, images) = look(client.far(&snap.download).await.unwrap()).await.unwrap().unwrap();
    assert_eq!((version.as_str(), images.unwrap()), ("1.32.1", b"pause:3.10\n".to_vec()));
    assert!(store.asked().len() <= 5);

    store.fail(100, "download", Trouble::Whole);
    let error = client.far(&snap.download).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
}
