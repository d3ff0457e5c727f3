//! The frame of every page, and how a page becomes an answer.

use askama::Template;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::words::{self, Words};
use super::{Domain, Links, Site};

/// What stands round every page.
pub struct Frame {
    pub words: Words,
    pub title: String,
    /// What every path of ours begins with.
    pub base: String,
    pub languages: Vec<Language>,
    pub feet: Vec<Foot>,
}

/// A link to the same page in another language.
pub struct Language {
    pub tag: &'static str,
    pub name: String,
    pub current: bool,
}

/// One link below a page.
pub struct Foot {
    pub url: String,
    pub text: String,
}

impl Frame {
    /// A page of one domain.
    pub fn of_domain(site: &Site, words: Words, title: String, links: &Links) -> Frame {
        Frame::new(site, words, title, feet(words, links, None))
    }

    /// A page of no domain has the links of all; each says whose it is.
    pub fn of_all(site: &Site, words: Words, title: String) -> Frame {
        let domains = site.domains.load();
        let alone = domains.len() < 2;
        let of = |domain: &Domain| {
            feet(words, &domain.links, Some(domain.name.as_str()).filter(|_| !alone))
        };
        Frame::new(site, words, title, domains.iter().flat_map(of).collect())
    }

    fn new(site: &Site, words: Words, title: String, feet: Vec<Foot>) -> Frame {
        let languages = words::all()
            .map(|(tag, name)| Language { tag, name, current: tag == words.tag() })
            .collect();
        Frame { words, title, base: site.base.clone(), languages, feet }
    }
}

fn feet(words: Words, links: &Links, domain: Option<&str>) -> Vec<Foot> {
    let all = [
        ("page-imprint", &links.imprint),
        ("page-privacy", &links.privacy),
        ("page-help", &links.help),
    ];
    let foot = |(key, url): (&str, &Option<String>)| {
        let text = words.say(key);
        let text = domain.map_or(text.clone(), |domain| format!("{text} ({domain})"));
        Some(Foot { url: url.clone()?, text })
    };
    all.into_iter().filter_map(foot).collect()
}

/// A heading and some sentences: a result, or why there is none.
#[derive(Template)]
#[template(path = "message.html")]
pub struct Message {
    pub frame: Frame,
    pub heading: String,
    pub sentences: Vec<String>,
    /// A sentence of a person, shown as such.
    pub quote: Option<String>,
}

/// The page as an answer. That a template fails is a fault of ours, and nothing of it is shown.
pub fn answer(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => {
            let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            (status, kind, html).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What the link says after `?lang=`.
pub fn wished(uri: &Uri) -> Option<String> {
    let query = uri.query()?.as_bytes();
    let mut fields = form_urlencoded::parse(query).take(10);
    fields.find(|(name, _)| name == "lang").map(|(_, tag)| tag.into_owned())
}
