//! `/o/TOKEN`: how one member gets the mail of one list; `/u/TOKEN`: none of it any more, with one click (RFC 8058).
//!
//! GET and HEAD show and change nothing, since scanners open every link.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use listcore::time::Timestamp;

use super::ask::{Wish, form, sound, there};
use super::form::{self, Form};
use super::page::{Frame, answer};
use super::wishes::{Digest, Mail, Mine, Wishes};
use super::words::Words;
use super::{Site, safe};
use crate::clock::Zone;

/// Longest pause (days).
const MAX_PAUSE: i64 = 731;

/// One choice of several.
struct Choice {
    value: &'static str,
    text: String,
    on: bool,
}

#[derive(Template)]
#[template(path = "options.html")]
struct Page {
    frame: Frame,
    list: String,
    address: String,
    paused: bool,
    /// `all`, `pause` or `none`.
    mail: &'static str,
    /// `2026-11-30`, or what was typed.
    until: String,
    tomorrow: String,
    digests: Vec<Choice>,
    boxes: Vec<Choice>,
    saved: bool,
    wrong: Option<String>,
}

/// GET and HEAD of `/o/TOKEN`.
pub async fn show(
    State(site): State<Arc<Site>>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let wish = Wish::of(&request);
    let shown = mine(&site, &token).await;
    let shown = shown.map(|mine| page(&site, &wish, &mine, StatusCode::OK, false, None));
    wish.answered(&site, shown)
}

/// POST of `/o/TOKEN`.
pub async fn save(
    State(site): State<Arc<Site>>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let wish = Wish::of(&request);
    let saved = saved(&site, &wish, &token, request).await;
    wish.answered(&site, saved)
}

async fn saved(
    site: &Site,
    wish: &Wish,
    token: &str,
    request: Request,
) -> Result<Response, StatusCode> {
    let form = form(site, request).await?;
    let mut mine = mine(site, token).await?;
    let zone = site.zone(&mine.list_address);
    let wishes = match wished(&form, &mine, &zone, (site.clock)()) {
        Ok(wishes) => wishes,
        Err(Wrong::Unknown) => return Err(StatusCode::BAD_REQUEST),
        Err(Wrong::Date(key)) => {
            let typed = form.get("until").unwrap_or_default();
            let wrong = Some((key, typed));
            return Ok(page(site, wish, &mine, StatusCode::UNPROCESSABLE_ENTITY, false, wrong));
        }
    };
    there(site.options.set(token, wishes.clone()).await)?;
    mine.wishes = wishes;
    Ok(page(site, wish, &mine, StatusCode::OK, true, None))
}

async fn mine(site: &Site, token: &str) -> Result<Mine, StatusCode> {
    there(site.options.mine(sound(token)?).await)
}

#[derive(Debug, PartialEq, Eq)]
enum Wrong {
    Unknown,
    /// The key of what to say.
    Date(&'static str),
}

/// What the form says; what it does not offer stays as it was.
fn wished(form: &Form, mine: &Mine, zone: &Zone, now: Timestamp) -> Result<Wishes, Wrong> {
    let before = &mine.wishes;
    let mail = match form.get("mail") {
        Some("all") => Mail::All,
        Some("none") => Mail::None,
        Some("pause") => Mail::Until(date(form.get("until").unwrap_or_default(), zone, now)?),
        _ => return Err(Wrong::Unknown),
    };
    let digest = match form.get("digest") {
        _ if !mine.offers.digest => before.digest,
        Some("off") => Digest::Off,
        Some("daily") => Digest::Daily,
        Some("weekly") => Digest::Weekly,
        _ => return Err(Wrong::Unknown),
    };
    let ticked = |offered: bool, name: &str, was: bool| match offered {
        true => form.get(name).is_some(),
        false => was,
    };
    Ok(Wishes {
        mail,
        digest,
        no_own: ticked(mine.offers.no_own, "no-own", before.no_own),
        no_addressed: ticked(mine.offers.no_addressed, "no-addressed", before.no_addressed),
        plain: ticked(mine.offers.plain, "plain", before.plain),
    })
}

/// The start of a day where the list is: tomorrow at the earliest, two years ahead at the latest.
fn date(typed: &str, zone: &Zone, now: Timestamp) -> Result<Timestamp, Wrong> {
    let zone = zone.rules().clone();
    let day: Date = typed.trim().parse().map_err(|_| Wrong::Date("page-options-no-date"))?;
    let start = day.to_zoned(zone).map_err(|_| Wrong::Date("page-options-no-date"))?;
    let at = Timestamp(start.timestamp().as_millisecond());
    if at <= now {
        return Err(Wrong::Date("page-options-past"));
    }
    if at.0.saturating_sub(now.0) > MAX_PAUSE * 86_400_000 {
        return Err(Wrong::Date("page-options-far"));
    }
    Ok(at)
}

/// The day of a point in time where the list is, as a date field has it.
fn day(zone: &Zone, at: Timestamp) -> String {
    zone.zoned(at).date().to_string()
}

fn page(
    site: &Site,
    wish: &Wish,
    mine: &Mine,
    status: StatusCode,
    saved: bool,
    wrong: Option<(&'static str, &str)>,
) -> Response {
    let words = wish.words(site, &mine.language);
    let line = |text: &str| safe::line(text, safe::LINE);
    let heading = words.say("page-options-heading");
    let title = format!("{heading} – {}", line(&mine.list_title));
    let title = match wrong {
        Some(_) => words.with("page-title-wrong", "title", &title),
        None => title,
    };
    let zone = site.zone(&mine.list_address);
    let (mail, until) = match mine.wishes.mail {
        Mail::All => ("all", String::new()),
        Mail::None => ("none", String::new()),
        Mail::Until(at) => ("pause", day(&zone, at)),
    };
    let page = Page {
        frame: Frame::of_domain(site, words, title, &mine.links),
        list: format!("{} ({})", line(&mine.list_title), line(&mine.list_address)),
        address: line(&mine.address),
        paused: mine.paused,
        mail: if wrong.is_some() { "pause" } else { mail },
        until: wrong.map_or(until, |(_, typed)| safe::line(typed, 40)),
        tomorrow: day(&zone, Timestamp((site.clock)().0.saturating_add(86_400_000))),
        digests: digests(words, mine),
        boxes: boxes(words, mine),
        saved,
        wrong: wrong.map(|(key, _)| words.say(key)),
    };
    answer(status, &page)
}

fn digests(words: Words, mine: &Mine) -> Vec<Choice> {
    let all = [("off", Digest::Off), ("daily", Digest::Daily), ("weekly", Digest::Weekly)];
    let choice = |(value, digest)| Choice {
        value,
        text: words.say(&format!("page-options-digest-{value}")),
        on: mine.wishes.digest == digest,
    };
    if mine.offers.digest { all.map(choice).into() } else { Vec::new() }
}

fn boxes(words: Words, mine: &Mine) -> Vec<Choice> {
    let (offers, wishes) = (mine.offers, &mine.wishes);
    let all = [
        ("no-own", offers.no_own, wishes.no_own),
        ("no-addressed", offers.no_addressed, wishes.no_addressed),
        ("plain", offers.plain, wishes.plain),
    ];
    let offered = all.into_iter().filter(|(_, offered, _)| *offered);
    offered
        .map(|(value, _, on)| Choice {
            value,
            text: words.say(&format!("page-options-{value}")),
            on,
        })
        .collect()
}

#[derive(Template)]
#[template(path = "unsubscribe.html")]
struct Leave {
    frame: Frame,
    heading: String,
    sentences: Vec<String>,
    /// There is still something to unsubscribe from.
    asks: bool,
    token: String,
}

/// GET and HEAD of `/u/TOKEN`.
pub async fn leave(
    State(site): State<Arc<Site>>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let wish = Wish::of(&request);
    let shown = mine(&site, &token).await.map(|mine| leaving(&site, &wish, &mine, token, false));
    wish.answered(&site, shown)
}

/// POST of `/u/TOKEN`, by a provider's machine or from the page: no cookie, no redirect, and from whatever origin.
pub async fn one_click(
    State(site): State<Arc<Site>>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let wish = Wish::of(&request);
    let left = left(&site, &wish, token, request).await;
    wish.answered(&site, left)
}

async fn left(
    site: &Site,
    wish: &Wish,
    token: String,
    request: Request,
) -> Result<Response, StatusCode> {
    let form = form::read(request).await?;
    // RFC 8058 3.1: exactly this, and nothing else does anything.
    if form.get("List-Unsubscribe") != Some("One-Click") {
        return Err(StatusCode::BAD_REQUEST);
    }
    let known = mine(site, &token).await?;
    there(site.options.unsubscribe(&token).await)?;
    Ok(leaving(site, wish, &known, token, true))
}

fn leaving(site: &Site, wish: &Wish, mine: &Mine, token: String, done: bool) -> Response {
    let words = wish.words(site, &mine.language);
    let list = safe::line(&mine.list_title, safe::LINE);
    let none = done || mine.wishes.mail == Mail::None;
    let (heading, text) = match none {
        true => ("page-left-heading", "page-left"),
        false => ("page-leave-heading", "page-leave"),
    };
    let address = safe::line(&mine.address, safe::LINE);
    let heading = words.with(heading, "list", &list);
    let leave = Leave {
        frame: Frame::of_domain(site, words, heading.clone(), &mine.links),
        heading,
        sentences: vec![words.with(text, "address", &address)],
        asks: !none,
        token,
    };
    answer(StatusCode::OK, &leave)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_162_500_000);

    #[test]
    fn a_pause_ends_on_a_day_to_come() {
        let wrong = |key| Err(Wrong::Date(key));
        let zone = Zone::named("Europe/Berlin").expect("a zone");
        let cases = [
            ("", wrong("page-options-no-date")),
            ("morgen", wrong("page-options-no-date")),
            ("2026-02-30", wrong("page-options-no-date")),
            ("2026-11-20", wrong("page-options-past")),
            ("1970-01-01", wrong("page-options-past")),
            ("2029-01-01", wrong("page-options-far")),
            ("9998-12-31", wrong("page-options-far")),
        ];
        for (typed, expected) in cases {
            assert_eq!(date(typed, &zone, NOW), expected, "{typed}");
        }
        let at = date(" 2026-11-30 ", &zone, NOW).expect("a day");
        assert_eq!(day(&zone, at), "2026-11-30");
        // Midnight there, which in Lisbon is yesterday still.
        assert_eq!(at.0, 1_796_079_600_000 - 86_400_000);
        assert_eq!(day(&Zone::named("Europe/Lisbon").expect("a zone"), at), "2026-11-29");
    }
}
