//! Where a redirect leads, and what may go along.

use reqwest::header::{HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode, Url};

use super::failure::Failure;
use super::request::{Reach, Request};
use super::tls::Shows;
use super::url::{authority, shown};
use crate::model::error::Error;

/// So many redirects are followed.
pub(super) const MAX_REDIRECTS: usize = 10;

/// One of the places that a request is sent to.
#[derive(Clone, Debug)]
pub(super) struct Hop {
    /// The URL.
    pub url: Url,
    /// Credentials; gone for good once the origin has changed.
    pub authorization: Option<HeaderValue>,
    /// Likewise for the client certificate.
    pub shows: Shows,
    /// Whether the origin has changed.
    pub foreign: bool,
}

impl Hop {
    /// Begins with the request's own URL.
    pub(super) fn first(request: &Request) -> Self {
        Self {
            url: request.url.clone(),
            authorization: request.authorization.clone(),
            shows: request.shows,
            foreign: false,
        }
    }

    /// Returns the next hop, or `None` where the answer is not a redirect that can be followed: a request with a body
    /// follows 307 and 308 only (RFC 9110, section 15.4), and to another origin only where all of it may go there.
    pub(super) fn next(
        &self,
        request: &Request,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Option<Self>, Failure> {
        let method = &request.method;
        let reads = method == Method::GET || method == Method::HEAD;
        let follows = match status.as_u16() {
            301..=303 => reads,
            307 | 308 => true,
            _ => false,
        };
        let Some(location) = headers.get(LOCATION).filter(|_| follows) else { return Ok(None) };
        let refused = |why: String| {
            Failure::last(Error::Network { what: format!("{method} {}", shown(&self.url)), why, hint: None })
        };
        let url = location
            .to_str()
            .ok()
            .and_then(|location| self.url.join(location).ok())
            .ok_or_else(|| refused("it redirects to something that is not a URL".to_owned()))?;
        match (self.url.scheme(), url.scheme()) {
            (_, "https") | ("http", "http") => {}
            ("https", "http") => {
                return Err(refused(format!(
                    "it redirects from https to plain http, which is not followed: {}",
                    shown(&url)
                )));
            }
            _ => return Err(refused("it redirects to something that is neither http nor https".to_owned())),
        }
        if url.origin() == self.url.origin() {
            return Ok(Some(Self { url, ..self.clone() }));
        }
        let stays = match request.reach {
            Reach::Origin => true,
            Reach::Bare => !request.body.is_empty(),
            Reach::Public => false,
        };
        if stays {
            return Err(refused(format!(
                "it redirects to another host, `{}`, to which what was sent does not belong",
                authority(&url)
            )));
        }
        Ok(Some(Self { url, authorization: None, shows: Shows::Nothing, foreign: true }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(from: &str, method: &Method, status: u16, location: &str) -> Result<Option<Hop>, Failure> {
        let mut request = Request::new(method.clone(), from.parse().unwrap());
        request.authorization = Some(HeaderValue::from_static("Basic c2VjcmV0"));
        request.shows = Shows::Identity;
        let headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
        Hop::first(&request).next(&request, StatusCode::from_u16(status).unwrap(), &headers)
    }

    #[test]
    fn credentials_stay_with_their_origin() {
        for (location, url, kept) in [
            ("/b?x=1", "https://h/b?x=1", true),
            ("https://h:443/b", "https://h/b", true),
            ("https://H/b", "https://h/b", true),
            ("https://h:444/b", "https://h:444/b", false),
            ("https://g.h/b", "https://g.h/b", false),
            ("//g/b", "https://g/b", false),
        ] {
            let hop = next("https://h/a", &Method::GET, 307, location).unwrap().unwrap();
            assert_eq!(hop.url.as_str(), url);
            assert_eq!(hop.authorization.is_some(), kept, "{location}");
            assert_eq!((hop.shows == Shows::Identity, !hop.foreign), (kept, kept), "{location}");
        }
        let hop = next("http://h/a", &Method::GET, 302, "https://h/a").unwrap().unwrap();
        assert!(hop.authorization.is_none());
    }

    #[test]
    fn credentials_do_not_come_back() {
        let away = next("https://h/a", &Method::GET, 302, "https://g/a").unwrap().unwrap();
        let headers = HeaderMap::from_iter([(LOCATION, "https://h/a".parse().unwrap())]);
        let back = away.next(&Request::get(away.url.clone()), StatusCode::FOUND, &headers).unwrap().unwrap();
        assert!(back.authorization.is_none() && back.foreign);
    }

    #[test]
    fn what_a_request_says_stays_with_its_origin() {
        for (body, reach, location, followed) in [
            ("secret", Reach::Bare, "https://h/b", true),
            ("secret", Reach::Bare, "https://g/b", false),
            ("secret", Reach::Bare, "https://h:444/b", false),
            ("secret", Reach::Origin, "https://g/b", false),
            ("", Reach::Origin, "https://h/b", true),
            ("", Reach::Origin, "https://g/b", false),
            ("", Reach::Bare, "https://g/b", true),
            ("manifest", Reach::Public, "https://g/b", true),
        ] {
            let request = Request::new(Method::POST, "https://h/a".parse().unwrap());
            let request = request.body(body.into()).reach(reach);
            let headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
            let next = Hop::first(&request).next(&request, StatusCode::TEMPORARY_REDIRECT, &headers);
            let said = next.as_ref().err().map(|failure| failure.error.to_string()).unwrap_or_default();
            assert_eq!(next.is_ok(), followed, "{body} {reach:?} {location}: {said}");
            assert!(followed || said.contains("to another host, `"), "{said}");
        }
    }

    #[test]
    fn https_does_not_become_http() {
        for location in ["http://h/b", "file:///etc/passwd", "ftp://h/", "http://["] {
            let failure = next("https://h/a?token=secret", &Method::GET, 302, location).unwrap_err();
            assert!(!failure.error.to_string().contains("secret"), "{}", failure.error);
        }
    }

    #[test]
    fn only_what_can_be_repeated_is_followed() {
        for (method, status, followed) in [
            (Method::GET, 200, false),
            (Method::GET, 303, true),
            (Method::GET, 304, false),
            (Method::HEAD, 301, true),
            (Method::PUT, 302, false),
            (Method::PUT, 307, true),
            (Method::POST, 308, true),
        ] {
            assert_eq!(next("https://h/a", &method, status, "/b").unwrap().is_some(), followed, "{status}");
        }
    }
}
