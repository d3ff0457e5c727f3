//! What is the same for everybody: the first page, the accessibility statement, the style sheet.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Site;
use super::page::{Frame, Message, answer, wished};
use super::words::{Words, choose};

const STYLE: &str = include_str!("../../templates/pages.css");

/// Browsers may keep the style sheet for a while; pages they may not.
const KEPT: &str = "public, max-age=3600";

pub async fn style() -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, KEPT)];
    (headers, STYLE).into_response()
}

pub async fn robots() -> &'static str {
    "User-agent: *\nDisallow: /\n"
}

fn words(site: &Site, request: &Request) -> Words {
    choose(wished(request.uri()).as_deref(), None, request.headers(), &site.language())
}

/// Where somebody lands who cuts a link short.
pub async fn home(State(site): State<Arc<Site>>, request: Request) -> Response {
    let words = words(&site, &request);
    let heading = words.say("page-home-heading");
    let message = Message {
        frame: Frame::of_all(&site, words, heading.clone()),
        heading,
        sentences: vec![words.say("page-home"), words.say("page-home-how")],
        quote: None,
    };
    answer(StatusCode::OK, &message)
}

/// The accessibility statement (rule AC9).
#[derive(Template)]
#[template(path = "a11y.html")]
struct Statement {
    frame: Frame,
    /// To whom a barrier is told.
    contacts: Vec<String>,
}

pub async fn a11y(State(site): State<Arc<Site>>, request: Request) -> Response {
    let words = words(&site, &request);
    // RFC 5321 4.5.1: every domain that takes mail has this address.
    let contact = |domain: &super::Domain| format!("postmaster@{}", domain.name);
    let contacts = site.domains.load().iter().map(contact).collect();
    let frame = Frame::of_all(&site, words, words.say("page-a11y"));
    answer(StatusCode::OK, &Statement { frame, contacts })
}
