//! The connection pools below everything: one for each way of trusting a server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, Url};
use rustls::ClientConfig;

use super::clock::Clock;
use super::proxy::{Proxies, Proxy};
use super::resolver::Resolver;
use super::settings::HttpSettings;
use super::tls::{Shows, Tls};
use super::tunnel::{self, Answer};
use crate::model::error::{Error, Result};

/// Pools by what a connection trusts and shows; each is made when it is first needed.
#[derive(Debug)]
pub(super) struct Transports {
    tls: Tls,
    proxies: Option<Proxies>,
    resolver: Resolver,
    settings: HttpSettings,
    pools: Mutex<BTreeMap<Pool, Client>>,
}

/// Which connections may be shared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pool {
    Plain(Way),
    /// With the host, where connections to it are like none to another.
    Tls(Option<String>, Shows, Way),
}

/// Whether there is a proxy in between: there is one for each scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Direct,
    Proxy,
}

impl Transports {
    /// Reads certificates and checks the proxies.
    pub(super) fn new(settings: &HttpSettings) -> Result<Self> {
        Ok(Self {
            tls: Tls::read(settings)?,
            proxies: settings.proxy.as_ref().map(Proxies::read).transpose()?,
            resolver: Resolver::default(),
            settings: settings.clone(),
            pools: Mutex::default(),
        })
    }

    /// Returns the pool for a URL.
    pub(super) fn of(&self, url: &Url, shows: Shows) -> Result<Client> {
        let proxy = self.proxy_of(url);
        let way = if proxy.is_some() { Way::Proxy } else { Way::Direct };
        let pool = if url.scheme() == "http" {
            Pool::Plain(way)
        } else {
            // A proxy that speaks TLS itself is spoken to with the same configuration, and could ask for the certificate.
            let shows = if proxy.is_some_and(|proxy| proxy.url().scheme() == "https") {
                Shows::Nothing
            } else {
                self.tls.shows(url, shows)?
            };
            Pool::Tls(self.tls.own(url)?, shows, way)
        };
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = pools.get(&pool) {
            return Ok(client.clone());
        }
        // In plain HTTP the only certificate can be that of a proxy.
        let peer = proxy.filter(|_| url.scheme() == "http").map_or(url, |proxy| proxy.url());
        let shows = if let Pool::Tls(_, shows, _) = &pool { *shows } else { Shows::Nothing };
        let client = self.client(self.tls.config(peer, shows)?, proxy)?;
        pools.insert(pool, client.clone());
        Ok(client)
    }

    /// Returns the proxy that a URL is asked through.
    pub(super) fn proxy_of(&self, url: &Url) -> Option<&Arc<Proxy>> {
        self.proxies.as_ref()?.of(url)
    }

    /// Asks the proxy of a URL why it makes no tunnel.
    pub(super) async fn refusal_of(&self, proxy: &Proxy, url: &Url, clock: &dyn Clock) -> Option<Answer> {
        let tls = self.tls.config(proxy.url(), Shows::Nothing).ok()?;
        tunnel::ask(proxy, url, &self.resolver, tls, clock).await
    }

    fn client(&self, tls: ClientConfig, proxy: Option<&Arc<Proxy>>) -> Result<Client> {
        let mut builder = Client::builder()
            .user_agent(concat!("airgap-bundle/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls)
            .dns_resolver(self.resolver.clone())
            // Redirects and retries follow rules of their own: see `redirect` and `retry`.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .http1_only()
            .tcp_nodelay(true)
            // Whoever takes nothing for a while is judged by the stall rule, not by the kernel.
            .tcp_user_timeout(None)
            .connect_timeout(self.settings.time_outs.connect)
            .pool_idle_timeout(Duration::from_secs(50))
            .pool_max_idle_per_host(self.settings.per_host.saturating_mul(2));
        if let Some(proxy) = proxy {
            builder = builder.proxy(proxy.transport()?);
        }
        builder.build().map_err(|error| Error::Network {
            what: "making an HTTP client".to_owned(),
            why: error.to_string(),
            hint: None,
        })
    }
}
