//! `/list/ADDRESS`: what a list is, the same for everybody, and a way to one's own settings by a link in a mail.
//!
//! The answer is the same whether or not somebody is on the list (rule GD2).

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use listcore::address::Address;

use super::ask::{Wish, sound};
use super::form;
use super::page::{Frame, Message, answer};
use super::wishes::ListPage;
use super::{NotNow, Site, guard, problem, safe};

/// Longest line on a page (characters).
const MAX_LINE: usize = 300;

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
    match list(&site, &address).await {
        Ok(Some(list)) => page(&site, &wish, &list, None),
        Ok(None) => problem::spoken(&site, wish.nobodys(&site), StatusCode::NOT_FOUND),
        Err(NotNow) => wish.not_now(&site),
    }
}

/// POST.
pub async fn send(
    State(site): State<Arc<Site>>,
    Path(address): Path<String>,
    request: Request,
) -> Response {
    let wish = Wish::of(&request);
    let problem = |status| problem::spoken(&site, wish.nobodys(&site), status);
    if !guard::is_ours(request.method(), request.headers(), &site.origin) {
        return problem(StatusCode::FORBIDDEN);
    }
    let form = match form::read(request).await {
        Ok(form) => form,
        Err(status) => return problem(status),
    };
    let list = match list(&site, &address).await {
        Ok(Some(list)) => list,
        Ok(None) => return problem(StatusCode::NOT_FOUND),
        Err(NotNow) => return wish.not_now(&site),
    };
    let typed = form.get("address").unwrap_or_default().trim();
    if Address::parse(typed).is_err() {
        return page(&site, &wish, &list, Some(typed));
    }
    if site.options.send_link(&list.address, typed).await == Err(NotNow) {
        return wish.not_now(&site);
    }
    let words = wish.anybodys(&list.language);
    let heading = words.say("page-list-sent-heading");
    let message = Message {
        frame: Frame::of_domain(&site, words, heading.clone(), &list.links),
        heading,
        sentences: vec![words.say("page-list-sent"), words.say("page-list-sent-no")],
        quote: None,
    };
    answer(StatusCode::OK, &message)
}

async fn list(site: &Site, address: &str) -> Result<Option<ListPage>, NotNow> {
    if sound(address) { site.options.list(address).await } else { Ok(None) }
}

/// With what was typed, where that is no address.
fn page(site: &Site, wish: &Wish, list: &ListPage, typed: Option<&str>) -> Response {
    let words = wish.anybodys(&list.language);
    let name = safe::line(&list.title, MAX_LINE);
    let title = match typed {
        Some(_) => words.with("page-title-wrong", "title", &name),
        None => name.clone(),
    };
    let page = Page {
        frame: Frame::of_domain(site, words, title, &list.links),
        title: name,
        intro: words.with("page-list-intro", "address", &safe::line(&list.address, MAX_LINE)),
        typed: safe::line(typed.unwrap_or_default(), MAX_LINE),
        wrong: typed.map(|_| words.say("page-list-no-address")),
    };
    let status = if typed.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    answer(status, &page)
}
