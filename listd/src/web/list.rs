//! `/list/ADDRESS`: what a list is, the same for everybody, and a way to one's own settings by a link in a mail.
//!
//! The answer is the same whether or not somebody is on the list (rule GD2).

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use listcore::address::Address;

use super::ask::{Wish, form, sound, there};
use super::page::{Frame, Message, answer};
use super::wishes::ListPage;
use super::{Site, safe};

#[derive(Template)]
#[template(path = "list.html")]
struct Page {
    frame: Frame,
    title: String,
    intro: String,
    typed: String,
    wrong: Option<String>,
}

/// GET and HEAD.
pub async fn show(
    State(site): State<Arc<Site>>,
    Path(address): Path<String>,
    request: Request,
) -> Response {
    let wish = Wish::of(&request);
    let shown = list(&site, &address).await.map(|list| page(&site, &wish, &list, None));
    wish.answered(&site, shown)
}

/// POST.
pub async fn send(
    State(site): State<Arc<Site>>,
    Path(address): Path<String>,
    request: Request,
) -> Response {
    let wish = Wish::of(&request);
    let sent = sent(&site, &wish, &address, request).await;
    wish.answered(&site, sent)
}

async fn sent(
    site: &Site,
    wish: &Wish,
    address: &str,
    request: Request,
) -> Result<Response, StatusCode> {
    let form = form(site, request).await?;
    let list = list(site, address).await?;
    let typed = form.get("address").unwrap_or_default().trim();
    if Address::parse(typed).is_err() {
        return Ok(page(site, wish, &list, Some(typed)));
    }
    site.options.send_link(&list.address, typed).await?;
    let words = wish.anybodys(&list.language);
    let heading = words.say("page-list-sent-heading");
    let message = Message {
        frame: Frame::of_domain(site, words, heading.clone(), &list.links),
        heading,
        sentences: vec![words.say("page-list-sent"), words.say("page-list-sent-no")],
        quote: None,
    };
    Ok(answer(StatusCode::OK, &message))
}

async fn list(site: &Site, address: &str) -> Result<ListPage, StatusCode> {
    there(site.options.list(sound(address)?).await)
}

/// With what was typed, where that is no address.
fn page(site: &Site, wish: &Wish, list: &ListPage, typed: Option<&str>) -> Response {
    let words = wish.anybodys(&list.language);
    let name = safe::line(&list.title, safe::LINE);
    let title = match typed {
        Some(_) => words.with("page-title-wrong", "title", &name),
        None => name.clone(),
    };
    let page = Page {
        frame: Frame::of_domain(site, words, title, &list.links),
        title: name,
        intro: words.with("page-list-intro", "address", &safe::line(&list.address, safe::LINE)),
        typed: safe::line(typed.unwrap_or_default(), safe::LINE),
        wrong: typed.map(|_| words.say("page-list-no-address")),
    };
    let status = if typed.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    answer(status, &page)
}
