//! `/q/TOKEN`: one question to one person. GET and HEAD show it and change nothing; POST answers it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use listcore::answer::{SENTENCE, Said};
use listcore::hold::{By, End, Ended};
use listcore::time::Timestamp;

use super::ask::{Wish, form, sound, there};
use super::form::Form;
use super::page::{Frame, Message, answer};
use super::words::Words;
use super::{Answered, Attachment, Kind, MAX_EXCERPT, NotNow, Question, Site, safe};

/// The page of a question that is open.
#[derive(Template)]
#[template(path = "question.html")]
struct Asking {
    frame: Frame,
    heading: String,
    intro: String,
    kind: Kind,
    /// There is a mail to be looked at.
    shows_text: bool,
    /// The language that `facts` of ours are written in.
    language: Words,
    /// Label, text, and whether it is in a language of ours.
    facts: Vec<Fact>,
    attachments: Vec<Attachment>,
    excerpt: String,
    /// What was typed, where the form comes back.
    sentence: String,
    /// What is wrong with it.
    wrong: Option<String>,
}

struct Fact {
    label: String,
    text: String,
    ours: bool,
}

/// GET and HEAD.
pub async fn show(
    State(site): State<Arc<Site>>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let wish = Wish::of(&request);
    let shown = look(&site, &token).await.map(|question| {
        let words = wish.words(&site, &question.language);
        match &question.ended {
            Some(ended) => already(&site, words, &question, ended),
            None => asking(&site, words, &question, StatusCode::OK, "", None),
        }
    });
    wish.answered(&site, shown)
}

/// POST.
pub async fn decide(
    State(site): State<Arc<Site>>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let wish = Wish::of(&request);
    let decided = decided(&site, &wish, &token, request).await;
    wish.answered(&site, decided)
}

async fn decided(
    site: &Site,
    wish: &Wish,
    token: &str,
    request: Request,
) -> Result<Response, StatusCode> {
    let form = form(site, request).await?;
    let question = look(site, token).await?;
    let words = wish.words(site, &question.language);
    if let Some(ended) = &question.ended {
        return Ok(already(site, words, &question, ended));
    }
    let said = match meant(&form, question.kind) {
        Ok(said) => said,
        Err(Wrong::Unknown) => return Err(StatusCode::BAD_REQUEST),
        Err(Wrong::Sentence(key)) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let typed = form.get("sentence").unwrap_or_default();
            return Ok(asking(site, words, &question, status, typed, Some(words.say(key))));
        }
    };
    let sure = said == Said::Yes;
    match site.questions.answer(token, said).await {
        Answered::Done(end) => Ok(done(site, words, &question, &end, sure)),
        Answered::Passed => {
            let (heading, text) = (words.say("page-thanks-heading"), words.say("page-passed"));
            Ok(message(site, words, &question, heading, vec![text]))
        }
        Answered::Already(ended) => Ok(already(site, words, &question, &ended)),
        Answered::Gone => Err(StatusCode::NOT_FOUND),
        Answered::NotNow => Err(NotNow.into()),
    }
}

async fn look(site: &Site, token: &str) -> Result<Question, StatusCode> {
    there(site.questions.look(sound(token)?).await)
}

#[derive(Debug, PartialEq, Eq)]
enum Wrong {
    /// No button of this question.
    Unknown,
    /// The sentence is missing or too long: the key of what to say.
    Sentence(&'static str),
}

/// The button that was pressed, if this question has it.
fn meant(form: &Form, kind: Kind) -> Result<Said, Wrong> {
    match (kind, form.get("answer").unwrap_or_default()) {
        (Kind::Confirm | Kind::Own, "yes") => Ok(Said::Yes),
        (Kind::Confirm | Kind::Own, "no") => Ok(Said::No),
        (Kind::Withdraw | Kind::Unwish, "withdraw") => Ok(Said::Withdraw),
        (Kind::Moderate | Kind::Admit, "accept") => Ok(Said::Accept),
        (Kind::Moderate, "always") => Ok(Said::Always),
        (Kind::Moderate, "discard") => Ok(Said::Discard),
        (Kind::Moderate, "spam") => Ok(Said::Spam),
        (Kind::Moderate | Kind::Admit, "reject") => {
            let typed = form.get("sentence").unwrap_or_default();
            let sentence: Vec<&str> = typed.split_whitespace().collect();
            let sentence = safe::line(&sentence.join(" "), usize::MAX);
            match sentence.chars().count() {
                0 if kind == Kind::Moderate => Err(Wrong::Sentence("page-sentence-missing")),
                0 => Ok(Said::Reject(sentence)),
                1..=SENTENCE => Ok(Said::Reject(sentence)),
                _ => Err(Wrong::Sentence("page-sentence-long")),
            }
        }
        _ => Err(Wrong::Unknown),
    }
}

fn asking(
    site: &Site,
    words: Words,
    question: &Question,
    status: StatusCode,
    typed: &str,
    wrong: Option<String>,
) -> Response {
    let name = question.kind.name();
    let heading = words.say(&format!("page-{name}-heading"));
    let title = match &wrong {
        Some(_) => words.with("page-title-wrong", "title", &heading),
        None => heading.clone(),
    };
    let page = Asking {
        frame: frame(site, words, question, &title),
        heading,
        intro: words.say(&format!("page-{name}-intro")),
        kind: question.kind,
        shows_text: !matches!(question.kind, Kind::Own | Kind::Unwish),
        language: Words::new(&question.language),
        facts: facts(site, words, question),
        attachments: attachments(question),
        excerpt: safe::text(&question.excerpt, MAX_EXCERPT),
        sentence: safe::text(typed, SENTENCE * 4),
        wrong,
    };
    answer(status, &page)
}

/// What is known of the mail. An author needs not be told who she is taken for by machines.
fn facts(site: &Site, words: Words, question: &Question) -> Vec<Fact> {
    let line = |text: &str| safe::line(text, safe::LINE);
    let list = format!("{} ({})", line(&question.list_title), line(&question.list_address));
    let author = match &question.author.name {
        Some(name) => format!("{} ({})", line(name), line(&question.author.address)),
        None => line(&question.author.address),
    };
    let subject = match line(&question.subject) {
        subject if subject.is_empty() => words.say("page-no-subject"),
        subject => subject,
    };
    if question.kind == Kind::Own {
        let facts = [("page-list", list, false), ("page-own-what", line(&question.reason), true)];
        return facts.map(|(key, text, ours)| Fact { label: words.say(key), text, ours }).into();
    }
    let mut facts = vec![
        ("page-list", list, false),
        ("page-author", author, false),
        ("page-subject", subject, false),
        ("page-arrived", when(site, words, question, question.at), false),
        ("page-reason", line(&question.reason), true),
    ];
    if question.kind.is_for_keepers() {
        facts.push(("page-verification", line(&question.verification), true));
        facts.push(("page-verdict", line(&question.verdict), true));
    }
    let filled = facts.into_iter().filter(|(_, text, _)| !text.is_empty());
    filled.map(|(key, text, ours)| Fact { label: words.say(key), text, ours }).collect()
}

/// As the clock of the list's domain shows it.
fn when(site: &Site, words: Words, question: &Question, at: Timestamp) -> String {
    words.time(&site.zone(&question.list_address), at)
}

fn attachments(question: &Question) -> Vec<Attachment> {
    let shown = |attachment: &Attachment| Attachment {
        name: safe::line(&attachment.name, safe::LINE),
        size: attachment.size,
    };
    question.attachments.iter().map(shown).collect()
}

/// This answer decided it.
fn done(site: &Site, words: Words, question: &Question, end: &End, sure: bool) -> Response {
    let heading = if sure { "page-thanks-heading" } else { "page-done-heading" };
    let (what, _) = what(words, question.kind, end);
    message(site, words, question, words.say(heading), vec![what])
}

/// Somebody was first: how it ended, when, and by whom as far as this person may know.
fn already(site: &Site, words: Words, question: &Question, ended: &Ended) -> Response {
    let (what, quote) = what(words, question.kind, &ended.end);
    let who = match (&ended.by, question.kind) {
        (By::Moderator(address), kind) if kind.is_for_keepers() => {
            safe::line(&address.to_string(), safe::LINE)
        }
        (By::Moderator(_), _) => words.say("page-by-moderator"),
        (By::Admin(_), _) => words.say("page-by-admin"),
        (By::Author, kind) if kind.is_for_keepers() => words.say("page-by-author"),
        (By::Author, _) => words.say("page-by-you"),
        (By::Clock, _) => words.say("page-by-clock"),
    };
    let when = words.with("page-when", "when", &when(site, words, question, ended.at));
    let who = words.with("page-who", "who", &who);
    let page = Message {
        frame: frame(site, words, question, &words.say("page-already-heading")),
        heading: words.say("page-already-heading"),
        sentences: vec![what, who, when],
        quote,
    };
    answer(StatusCode::OK, &page)
}

/// How it ended, in words, and a moderator's sentence. That a mail was thrown away an author need not know.
fn what(words: Words, kind: Kind, end: &End) -> (String, Option<String>) {
    let to_moderator = kind.is_for_keepers();
    let ends = match kind {
        Kind::Admit | Kind::Unwish => "page-wish-end",
        Kind::Own => "page-own-end",
        Kind::Confirm | Kind::Moderate | Kind::Withdraw => "page-end",
    };
    match end {
        End::Discarded | End::Spam if !to_moderator => (words.say("page-end-not-out"), None),
        End::Refused(why) => {
            (words.with("page-end-refused", "why", &safe::line(why, safe::LINE)), None)
        }
        End::Rejected(sentence) => {
            let quote = safe::line(sentence, SENTENCE);
            (words.say(&format!("{ends}-rejected")), Some(quote).filter(|quote| !quote.is_empty()))
        }
        end => (words.say(&format!("{ends}-{}", end.as_str())), None),
    }
}

fn message(
    site: &Site,
    words: Words,
    question: &Question,
    heading: String,
    sentences: Vec<String>,
) -> Response {
    let frame = frame(site, words, question, &heading);
    answer(StatusCode::OK, &Message { frame, heading, sentences, quote: None })
}

fn frame(site: &Site, words: Words, question: &Question, heading: &str) -> Frame {
    let title = format!("{heading} – {}", safe::line(&question.list_title, safe::LINE));
    Frame::of_domain(site, words, title, &question.links)
}
