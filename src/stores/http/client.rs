//! The client that everything uses which speaks HTTP.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{Either, select};
use reqwest::{Body, StatusCode, Url};

use super::clock::{Clock, SystemClock};
use super::failure::{Failure, is_no_tunnel, tls_error};
use super::flow::Flow;
use super::hidden::Hidden;
use super::host::Host;
use super::quota::Quota;
use super::rate::Rate;
use super::redirect::{Hop, MAX_REDIRECTS};
use super::request::Request;
use super::response::{Head, Reply, Response};
use super::retry::{Tries, is_transient};
use super::settings::HttpSettings;
use super::transport::Transports;
use super::url::{authority, is_of, shown};
use super::warnings::Warnings;
use crate::content::progress::Progress;
use crate::model::error::{Error, Result};

/// Sends requests: redirects, retries, limits and TLS are its business; what an answer means is not. Cheap to clone;
/// clones share connections and what is known of hosts.
#[derive(Clone, Debug)]
pub struct HttpClient(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: HttpSettings,
    transports: Transports,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
    rate: Rate,
    warnings: Warnings,
    clock: Arc<dyn Clock>,
    progress: Arc<dyn Progress>,
}

impl HttpClient {
    /// Reads the files that the settings name; connects to nothing.
    pub fn new(settings: &HttpSettings, progress: Arc<dyn Progress>) -> Result<Self> {
        Self::with_clock(settings, progress, Arc::new(SystemClock))
    }

    /// As [`HttpClient::new`], with another clock.
    pub fn with_clock(
        settings: &HttpSettings,
        progress: Arc<dyn Progress>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        Ok(Self(Arc::new(Inner {
            settings: settings.clone(),
            transports: Transports::new(settings)?,
            hosts: Mutex::default(),
            rate: Rate::new(settings.limit_rate, &clock),
            warnings: Warnings::default(),
            clock,
            progress,
        })))
    }

    /// Returns the clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// Returns who is told of waits and requests.
    pub fn progress(&self) -> &Arc<dyn Progress> {
        &self.0.progress
    }

    /// Returns the settings.
    pub fn settings(&self) -> &HttpSettings {
        &self.0.settings
    }

    /// Returns how many bytes a second may pass.
    pub fn rate(&self) -> &Rate {
        &self.0.rate
    }

    /// Returns what is known of `HOST[:PORT]`.
    pub(in crate::stores) fn known(&self, host: &str) -> Option<Arc<Host>> {
        Url::parse(&format!("https://{host}/")).ok().map(|url| self.host(&url))
    }

    pub(super) fn transports(&self) -> &Transports {
        &self.0.transports
    }

    /// Returns those of `named` (`HOST` or `HOST:PORT`) that no request went to; none where there was no request at all.
    pub fn unvisited<'a>(&self, named: &'a [String]) -> Vec<&'a str> {
        let hosts = self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let went = |named: &str| hosts.keys().any(|host| is_of(named, host));
        named.iter().map(String::as_str).filter(|named| !hosts.is_empty() && !went(named)).collect()
    }

    /// Returns what is known of the host of a URL.
    pub(super) fn host(&self, url: &Url) -> Arc<Host> {
        let mut hosts = self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let places = self.0.settings.per_host;
        Arc::clone(hosts.entry(authority(url)).or_insert_with(|| Arc::new(Host::new(places))))
    }

    /// Returns the length that no body for the host of a URL should exceed, as far as is known.
    pub fn longest_body(&self, url: &Url) -> u64 {
        self.host(url).longest_body()
    }

    /// Remembers that a body of `length` bytes was too long for the host of a URL (HTTP status 413). Returns false where no
    /// shorter one is worth a try.
    pub fn refused_body(&self, url: &Url, length: u64) -> bool {
        self.host(url).refused_body(length)
    }

    /// Begins to count tries.
    pub fn tries(&self) -> Tries {
        Tries::new(self.0.settings.retry)
    }

    /// Sends a request until there is an answer that will not change: after the last try also 429 and 5xx.
    pub async fn send(&self, request: &Request) -> Result<Response> {
        self.send_within(request, &mut self.tries()).await
    }

    /// Sends a request and reads the answer's body, at most `limit` bytes of it. A body that breaks off is asked for
    /// again.
    pub async fn fetch(&self, request: &Request, limit: u64) -> Result<Reply> {
        let mut tries = self.tries();
        loop {
            let response = self.send_within(request, &mut tries).await?;
            match self.read(response, limit).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => self.pause_after(request, &mut tries, failure).await?,
            }
        }
    }

    /// Reads the body of an answer, at most `limit` bytes of it.
    pub async fn read(&self, response: Response, limit: u64) -> Result<Reply, Failure> {
        let reply = response.read(limit, self.0.settings.time_outs.stall_window, &*self.0.clock).await?;
        self.0.rate.passed(reply.body.len()).await;
        Ok(reply)
    }

    async fn send_within(&self, request: &Request, tries: &mut Tries) -> Result<Response> {
        loop {
            match self.follow(request).await {
                Ok(response) if is_transient(response.head.status) => {
                    let Some((why, wait)) = self.next_try(&response.head, tries) else { return Ok(response) };
                    // Its place in the queue is another's meanwhile.
                    drop(response);
                    self.wait(&why, wait).await;
                }
                Ok(response) => return Ok(response),
                Err(failure) => self.pause_after(request, tries, failure).await?,
            }
        }
    }

    /// Sends a request once, following redirects.
    async fn follow(&self, request: &Request) -> Result<Response, Failure> {
        let host = self.host(&request.url);
        let place = host.place(request.lane).await;
        if let Some(left) = host.paused(self.0.clock.now()) {
            self.0.clock.wait(left).await;
        }
        let mut hop = Hop::first(request);
        for _ in 0..=MAX_REDIRECTS {
            let body = Body::from(request.body.clone());
            self.0.rate.passed(request.body.len()).await;
            let response = self.once(request, &hop, body, &Flow::default()).await?;
            match hop.next(request, response.status(), response.headers())? {
                Some(next) => hop = next,
                None => return Ok(self.answer(request, hop, response, place)),
            }
        }
        Err(Failure::last(Error::Network {
            what: format!("{} {}", request.method, shown(&request.url)),
            why: format!("more than {MAX_REDIRECTS} redirects"),
            hint: None,
        }))
    }

    /// Sends a request with a body that can be read only once: no redirect is followed and nothing is tried again.
    /// The length of the body stands in the headers.
    pub async fn stream(&self, request: &Request, body: Body, flow: &Flow) -> Result<Response, Failure> {
        let place = self.host(&request.url).place(request.lane).await;
        let hop = Hop::first(request);
        let response = self.once(request, &hop, body, flow).await?;
        Ok(self.answer(request, hop, response, place))
    }

    async fn once(
        &self,
        request: &Request,
        hop: &Hop,
        body: Body,
        flow: &Flow,
    ) -> Result<reqwest::Response, Failure> {
        // Remembers that it was spoken to, answer or none.
        self.host(&hop.url);
        let client = self.0.transports.of(&hop.url, hop.shows).map_err(Failure::last)?;
        let mut sent = reqwest::Request::new(request.method.clone(), hop.url.clone());
        *sent.headers_mut() = request.headers.clone();
        if let Some(authorization) = &hop.authorization {
            sent.headers_mut().insert(reqwest::header::AUTHORIZATION, authorization.clone());
        }
        *sent.body_mut() = Some(body);
        let time_outs = &self.0.settings.time_outs;
        let silence = std::pin::pin!(flow.silence(time_outs, &*self.0.clock));
        let proxy = self.0.transports.proxy_of(&hop.url);
        let shown_proxy = || proxy.map(ToString::to_string);
        let answer = match select(Box::pin(client.execute(sent)), silence).await {
            Either::Left((Ok(response), _)) => response,
            Either::Left((Err(error), _)) => {
                if let Some(proxy) = proxy.filter(|_| is_no_tunnel(&error))
                    && let Some(answer) = self.0.transports.refusal_of(proxy, &hop.url, &*self.0.clock).await
                    && answer.status != 200
                {
                    return Err(Failure::of_tunnel(&request.method, &hop.url, proxy, &answer));
                }
                let is_garbled = matches!(tls_error(&error), Some(rustls::Error::InvalidMessage(_)));
                if let Some(proxy) = proxy.filter(|proxy| is_garbled && proxy.url().scheme() == "https")
                    && self.0.transports.refusal_of(proxy, &hop.url, &*self.0.clock).await.is_none()
                {
                    return Err(Failure::of_plain_proxy(&request.method, &hop.url, proxy));
                }
                return Err(Failure::of(&request.method, &hop.url, shown_proxy().as_deref(), &error));
            }
            Either::Right((after, _)) => {
                let (method, url) = (&request.method, &hop.url);
                return Err(Failure::time_out(method, url, shown_proxy().as_deref(), after.as_secs()));
            }
        };
        self.heard(&Hidden::of(request, proxy.map(|proxy| &**proxy)), &hop.url, &answer);
        self.0.progress.request(&format!(
            "{} {} {}",
            request.method,
            shown(&hop.url),
            answer.status().as_u16()
        ));
        if let Some(proxy) = proxy.filter(|_| answer.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED) {
            return Err(Failure::of_unknown_user(&request.method, &hop.url, proxy, 407, answer.headers()));
        }
        Ok(answer)
    }

    fn answer(
        &self,
        request: &Request,
        hop: Hop,
        mut inner: reqwest::Response,
        place: Option<tokio::sync::OwnedSemaphorePermit>,
    ) -> Response {
        let headers = std::mem::take(inner.headers_mut());
        let proxy = self.0.transports.proxy_of(&hop.url);
        let head = Head {
            method: request.method.clone(),
            status: inner.status(),
            headers,
            url: hop.url,
            foreign: hop.foreign,
            hidden: Hidden::of(request, proxy.map(|proxy| &**proxy)),
            proxy: proxy.map(|proxy| proxy.to_string().into()),
        };
        Response { head, inner, place }
    }
}

impl HttpClient {
    /// Takes note of what an answer says besides.
    fn heard(&self, hidden: &Hidden, url: &Url, answer: &reqwest::Response) {
        let host = self.host(url);
        host.has_answered(answer.status());
        for text in self.0.warnings.fresh(answer.headers(), hidden) {
            self.0.progress.warn(&format!("`{}` says: {text}", authority(url)));
        }
        if let Some(quota) = Quota::of(answer.headers())
            && host.is_news(&quota)
        {
            let of = quota.limit.map(|limit| format!(" of {limit}")).unwrap_or_default();
            self.0.progress.warn_now(&format!(
                "`{}` allows {}{of} more pulls{}: log in for more, or wait for more with `--wait-for-quota`",
                authority(url),
                quota.remaining,
                quota.per(),
            ));
        }
    }
}
