//! What every page needs of a request: the language that is wished, a name in the path that can be one, a form of ours;
//! and what is answered where something of it is missing.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::form::{self, Form};
use super::page::wished;
use super::words::{Words, choose};
use super::{NotNow, Site, guard, problem};

/// Longest token or address in a path (octets); ours are shorter.
const MAX_NAME: usize = 400;

/// What no token or address can look like is not asked for, and answered as what is not there.
pub fn sound(name: &str) -> Result<&str, StatusCode> {
    let looks = !name.is_empty()
        && name.len() <= MAX_NAME
        && !name.chars().any(|c| c.is_control() || c == ' ');
    if looks { Ok(name) } else { Err(StatusCode::NOT_FOUND) }
}

/// What a link leads to, or the status of the page that is shown instead.
pub fn there<T>(found: Result<Option<T>, NotNow>) -> Result<T, StatusCode> {
    found?.ok_or(StatusCode::NOT_FOUND)
}

impl From<NotNow> for StatusCode {
    fn from(NotNow: NotNow) -> StatusCode {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

/// What was sent from a page of ours.
pub async fn form(site: &Site, request: Request) -> Result<Form, StatusCode> {
    if !guard::is_ours(request.method(), request.headers(), &site.origin) {
        return Err(StatusCode::FORBIDDEN);
    }
    form::read(request).await
}

/// Where a language may come from besides the person.
pub struct Wish {
    lang: Option<String>,
    headers: HeaderMap,
}

impl Wish {
    pub fn of(request: &Request) -> Wish {
        Wish { lang: wished(request.uri()), headers: request.headers().clone() }
    }

    /// For one whose language we know.
    pub fn words(&self, site: &Site, language: &str) -> Words {
        choose(self.lang.as_deref(), Some(language), &self.headers, &site.language())
    }

    /// For a page of one list that everybody sees.
    pub fn anybodys(&self, language: &str) -> Words {
        choose(self.lang.as_deref(), None, &self.headers, language)
    }

    /// For a page that is nobody's.
    fn nobodys(&self, site: &Site) -> Words {
        choose(self.lang.as_deref(), None, &self.headers, &site.language())
    }

    /// The page, or the one that says why it is not to be had.
    pub fn answered(&self, site: &Site, page: Result<Response, StatusCode>) -> Response {
        page.unwrap_or_else(|status| problem::spoken(site, self.nobodys(site), status))
    }
}
