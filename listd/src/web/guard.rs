//! What holds for every request: headers, a deadline, how often one client may ask, and that a panic costs one answer.
//!
//! Nothing here logs a path: tokens stand in it.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use listcore::rate::Rate;

use super::{Site, problem};

/// Requests of one client within [`PERIOD`]: a school behind one address, and no flood.
const REQUESTS: u32 = 600;
const PERIOD: Duration = Duration::from_secs(60);
/// Clients that are remembered.
const CLIENTS: usize = 4_096;

/// Nothing but our own style sheet is loaded, forms go nowhere else, and no page stands in a frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Who asked how often.
#[derive(Debug)]
pub struct Turns(Mutex<Rate>);

impl Default for Turns {
    fn default() -> Turns {
        Turns(Mutex::new(Rate::new(REQUESTS, PERIOD, CLIENTS)))
    }
}

/// Headers for every answer. What the answer says itself stays.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_ROBOTS_TAG, "noindex, nofollow"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// So many requests of one client in a while.
pub async fn turns(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let client = client(peer, request.headers());
    let now = (site.clock)();
    let free = site.turns.0.lock().unwrap_or_else(PoisonError::into_inner).take(&client, now);
    if free {
        next.run(request).await
    } else {
        problem::page(&site, request.headers(), StatusCode::TOO_MANY_REQUESTS)
    }
}

/// Whom a request counts for: the last hop before a proxy on this machine, a network of one household for IPv6.
fn client(peer: Option<IpAddr>, headers: &HeaderMap) -> String {
    let forwarded = || {
        let last = headers.get_all(X_FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
        last.rsplit(',').next()?.trim().parse().ok()
    };
    let near = peer.is_none_or(|peer| peer.to_canonical().is_loopback());
    match if near { forwarded().or(peer) } else { peer } {
        Some(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
        Some(other) => other.to_canonical().to_string(),
        None => String::new(),
    }
}

/// Runs each request as a task of its own, with a deadline: neither a panic nor a slow one is anybody else's.
pub async fn alone(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let task = tokio::spawn(tokio::time::timeout(site.deadline, next.run(request)));
    match task.await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => problem::page(&site, &headers, StatusCode::SERVICE_UNAVAILABLE),
        Err(_) => {
            tracing::error!("a request for a page panicked");
            problem::page(&site, &headers, StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// Whether a form comes from a page of ours, as far as the browser says.
///
/// The token in the path is what counts. Our pages send no referrer, so that a browser says `Origin: null` for
/// their forms; what it says in `Sec-Fetch-Site` counts more.
pub fn is_ours(method: &Method, headers: &HeaderMap, origin: &str) -> bool {
    let said = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
    let site = said(SEC_FETCH_SITE).is_none_or(|site| matches!(site, "same-origin" | "none"));
    let from = said(ORIGIN).is_none_or(|from| from == "null" || from.eq_ignore_ascii_case(origin));
    *method != Method::POST || (site && from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
        let field = |(name, value): &(HeaderName, &'static str)| {
            (name.clone(), HeaderValue::from_static(value))
        };
        fields.iter().map(field).collect()
    }

    #[test]
    fn a_client_is_who_stands_before_the_proxy() {
        let peer = |text: &str| Some(text.parse().expect("an address"));
        let said = |text| with(&[(X_FORWARDED_FOR, text)]);
        let cases = [
            (peer("198.51.100.7"), with(&[]), "198.51.100.7"),
            // Only our own proxy is believed, and of it only what it added itself.
            (peer("198.51.100.7"), said("203.0.113.1"), "198.51.100.7"),
            (peer("127.0.0.1"), said("10.0.0.1, 203.0.113.1"), "203.0.113.1"),
            (peer("::1"), said("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2"),
            (peer("::ffff:127.0.0.1"), said("::ffff:203.0.113.1"), "203.0.113.1"),
            (peer("127.0.0.1"), said("nonsense"), "127.0.0.1"),
            (None, with(&[]), ""),
        ];
        for (peer, headers, expected) in cases {
            assert_eq!(client(peer, &headers), expected, "{peer:?}");
        }
    }

    /// No foreign page can send our forms, where the browser tells.
    #[test]
    fn forms_of_foreign_pages() {
        let ours = "https://lists.schule.example";
        let cases = [
            (with(&[]), true),
            (with(&[(ORIGIN, "null")]), true),
            (with(&[(ORIGIN, "https://lists.schule.example")]), true),
            (with(&[(ORIGIN, "https://evil.example")]), false),
            (with(&[(SEC_FETCH_SITE, "same-origin"), (ORIGIN, "null")]), true),
            (with(&[(SEC_FETCH_SITE, "none")]), true),
            (with(&[(SEC_FETCH_SITE, "cross-site"), (ORIGIN, "null")]), false),
            (with(&[(SEC_FETCH_SITE, "same-site")]), false),
        ];
        for (headers, expected) in cases {
            assert_eq!(is_ours(&Method::POST, &headers, ours), expected, "{headers:?}");
            assert!(is_ours(&Method::GET, &headers, ours));
        }
    }
}
