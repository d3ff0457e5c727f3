//! Pages for what is not to be had: each says what happened, that nothing was changed, and what to do now.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use std::sync::Arc;

use super::Site;
use super::page::{Frame, Message, answer, wished};
use super::words::{Words, choose};

/// The page for a status, in the browser's language.
pub fn page(site: &Site, headers: &HeaderMap, status: StatusCode) -> Response {
    spoken(site, choose(None, None, headers, &site.language()), status)
}

/// The same where the link may wish a language.
pub fn of(site: &Site, uri: &Uri, headers: &HeaderMap, status: StatusCode) -> Response {
    spoken(site, choose(wished(uri).as_deref(), None, headers, &site.language()), status)
}

/// The same in a language that is known.
pub fn spoken(site: &Site, words: Words, status: StatusCode) -> Response {
    let (heading, text) = match status {
        StatusCode::NOT_FOUND => ("page-unknown-heading", "page-unknown"),
        StatusCode::TOO_MANY_REQUESTS => ("page-busy-heading", "page-busy"),
        StatusCode::SERVICE_UNAVAILABLE => ("page-not-now-heading", "page-not-now"),
        StatusCode::INTERNAL_SERVER_ERROR => ("page-failed-heading", "page-failed"),
        StatusCode::FORBIDDEN => ("page-foreign-heading", "page-foreign"),
        _ => ("page-unread-heading", "page-unread"),
    };
    let heading = words.say(heading);
    let message = Message {
        frame: Frame::of_all(site, words, heading.clone()),
        heading,
        sentences: vec![words.say(text), words.say("page-nothing-changed")],
        quote: None,
    };
    answer(status, &message)
}

/// No such page: the same answer as for a link that is not known.
pub async fn no_page(State(site): State<Arc<Site>>, request: Request) -> Response {
    of(&site, request.uri(), request.headers(), StatusCode::NOT_FOUND)
}

/// A method that a page does not know.
pub async fn no_method(State(site): State<Arc<Site>>, request: Request) -> Response {
    of(&site, request.uri(), request.headers(), StatusCode::METHOD_NOT_ALLOWED)
}
