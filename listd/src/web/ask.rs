//! What every page needs of a request: the language that is wished, and a name in the path that can be one.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::page::wished;
use super::words::{Words, choose};
use super::{Site, problem};

/// Longest token or address in a path (octets); ours are shorter.
const MAX_NAME: usize = 400;

/// What no token or address can look like is not asked for.
pub fn sound(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME && !name.chars().any(|c| c.is_control() || c == ' ')
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

    pub fn nobodys(&self, site: &Site) -> Words {
        choose(self.lang.as_deref(), None, &self.headers, &site.language())
    }

    /// The page for trouble of ours.
    pub fn not_now(&self, site: &Site) -> Response {
        problem::spoken(site, self.nobodys(site), StatusCode::SERVICE_UNAVAILABLE)
    }
}
