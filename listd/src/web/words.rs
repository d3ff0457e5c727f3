//! In which language a page speaks, and its words.
//!
//! The texts stand in `listcore`'s locales under `page-*`.

use axum::http::{HeaderMap, header};
use listcore::notice;
use listcore::time::Timestamp;

use crate::clock::Zone;

/// The words of one language.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Words(&'static str);

impl Words {
    /// English where there are no words in this language.
    pub fn new(language: &str) -> Words {
        Words(notice::spoken(language).unwrap_or("en"))
    }

    /// As `lang` has it, e.g. `de`.
    pub fn tag(self) -> &'static str {
        self.0
    }

    /// As `dir` has it.
    pub fn dir(self) -> &'static str {
        if matches!(self.0, "ar" | "fa") { "rtl" } else { "ltr" }
    }

    pub fn say(self, key: &str) -> String {
        notice::word(self.0, key)
    }

    /// A text with one variable.
    pub fn with(self, key: &str, name: &str, value: &str) -> String {
        notice::phrase(self.0, key, &[(name, value)])
    }

    /// Octets for people, e.g. `12 kB`.
    pub fn size(self, octets: &u64) -> String {
        notice::size(self.0, *octets)
    }

    /// Day and time, as the clock there shows it.
    pub fn time(self, zone: &Zone, at: Timestamp) -> String {
        let zoned = zone.zoned(at);
        let pattern = match self.0 {
            "de" => "%-d.%-m.%Y, %H:%M",
            _ => "%-d %b %Y, %H:%M",
        };
        zoned.strftime(pattern).to_string()
    }
}

/// All languages, each named in itself.
pub fn all() -> impl Iterator<Item = (&'static str, String)> {
    notice::languages().map(|tag| (tag, notice::word(tag, "page-language-name")))
}

/// The language of an answer: what the link says, else of whom we asked, else what the browser asks for.
pub fn choose(wished: Option<&str>, asked: Option<&str>, headers: &HeaderMap, site: &str) -> Words {
    let known = |tag: &str| notice::spoken(tag);
    let browser = || {
        let field = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        accepted(field).into_iter().find_map(known)
    };
    let tag = wished.and_then(known).or_else(|| asked.and_then(known)).or_else(browser);
    Words(tag.or_else(|| known(site)).unwrap_or("en"))
}

/// The languages of an `Accept-Language` field (RFC 9110 12.5.4), the most wanted first.
fn accepted(field: &str) -> Vec<&str> {
    let mut wanted: Vec<(u16, &str)> = Vec::new();
    for part in field.split(',').take(20) {
        let (tag, rest) = part.split_once(';').unwrap_or((part, ""));
        let weight = rest.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.parse::<f32>().ok());
        let weight = (weight.unwrap_or(0.0).clamp(0.0, 1.0) * 1000.0) as u16;
        if weight > 0 {
            wanted.push((weight, tag.trim()));
        }
    }
    wanted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    wanted.into_iter().map(|(_, tag)| tag).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    /// LA2: the link's wish, then the person's language, then the browser's, then the site's.
    #[test]
    fn whose_language_counts() {
        let cases = [
            (Some("en"), Some("de"), "de", "de", "en"),
            (Some("xx"), Some("de"), "en", "en", "de"),
            (None, Some("de-AT"), "en", "en", "de"),
            (None, Some("tr"), "de", "en", "de"),
            (None, None, "tr, en;q=0.5, de;q=0.8", "en", "de"),
            (None, None, "fr;q=1, de;q=0", "en", "en"),
            (None, None, "*", "de", "de"),
            (None, None, "de;q=nonsense", "en", "en"),
            (None, None, "", "tr", "en"),
        ];
        for (wished, asked, browser, site, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(browser));
            let chosen = choose(wished, asked, &headers, site);
            assert_eq!(chosen.tag(), expected, "{wished:?} {asked:?} {browser:?} {site:?}");
        }
    }
}
