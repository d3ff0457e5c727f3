//! Every rule of the pages, against the router in this process. What a browser sees is `listd/tests/pages/`.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use tower_service::Service;

use super::routes::router;
use super::*;
use crate::clock::Zone;
use crate::web;

#[path = "../../tests/pages/fake.rs"]
mod fake;
mod options;

use fake::{ARRIVED, Fake, TOKENS, links};

struct House {
    router: Router,
    fake: Arc<Fake>,
}

fn domain(name: &str) -> Domain {
    Domain { name: name.into(), language: "de".into(), links: links(), zone: Zone::default() }
}

fn house_of(domains: Vec<Domain>) -> House {
    let fake = Arc::new(Fake::default());
    let site =
        Site::new("https://lists.schule.example", domains, fake.clone(), Arc::new(|| ARRIVED));
    let site = site.with_options(fake.clone());
    House { router: router(Arc::new(site)), fake }
}

fn house() -> House {
    house_of(vec![domain("schule.example")])
}

/// An answer, read to its end.
struct Page {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: String,
}

impl House {
    async fn ask(&self, request: Request) -> Page {
        let response: Response = self.router.clone().call(request).await.expect("never fails");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let body = String::from_utf8(body.to_vec()).expect("text");
        Page { status: head.status, headers: head.headers, body }
    }

    async fn get(&self, path: &str) -> Page {
        self.ask(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    async fn post(&self, path: &str, form: &str) -> Page {
        self.post_with(path, form, &[]).await
    }

    async fn post_with(&self, path: &str, form: &str, fields: &[(&str, &str)]) -> Page {
        let kind = "application/x-www-form-urlencoded";
        let mut request = Request::post(path).header(header::CONTENT_TYPE, kind);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        self.ask(request.body(form.to_owned().into()).expect("a request")).await
    }

    fn answers(&self) -> Vec<(String, Said)> {
        self.fake.answers.lock().expect("unharmed").clone()
    }
}

/// H9 in spirit, and AC3: looking changes nothing, whoever looks and how.
#[tokio::test]
async fn looking_changes_nothing() {
    let house = house();
    for token in TOKENS {
        for method in [Method::GET, Method::HEAD] {
            for path in [format!("/q/{token}"), format!("/q/{token}?answer=yes&lang=en")] {
                let request = Request::builder().method(method.clone()).uri(&path);
                let page = house.ask(request.body(Body::empty()).expect("a request")).await;
                assert_eq!(page.status, StatusCode::OK, "{method} {path}");
                assert_eq!(page.body.is_empty(), method == Method::HEAD, "{method} {path}");
            }
        }
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
            let request = Request::builder().method(method).uri(format!("/q/{token}"));
            let page = house.ask(request.body("answer=yes".into()).expect("a request")).await;
            assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        }
    }
    assert_eq!(house.answers(), []);
}

/// Two domains of two places: a page says the time of its own.
#[tokio::test]
async fn times_are_those_of_the_domain() {
    for (zone, arrived) in
        [("Europe/Berlin", "20.11.2026, 09:15"), ("Europe/Lisbon", "20.11.2026, 08:15")]
    {
        let zone = Zone::named(zone).expect("a zone");
        let house =
            house_of(vec![domain("other.example"), Domain { zone, ..domain("schule.example") }]);
        let page = house.get("/q/moderate").await;
        assert!(page.body.contains(arrived), "{arrived}: {}", page.body);
    }
}

/// Each button of each question, and none of another question.
#[tokio::test]
async fn a_form_decides_what_its_question_asks() {
    let reject = Said::Reject("Bitte fragen Sie & <b> zuerst.".into());
    let buttons = [
        ("confirm", "answer=yes", Said::Yes, "Vielen Dank"),
        ("confirm", "answer=no", Said::No, "Der Absender war gefälscht"),
        ("withdraw", "answer=withdraw", Said::Withdraw, "zurückgezogen"),
        ("moderate", "answer=accept", Said::Accept, "geht an die Liste"),
        ("moderate", "answer=always", Said::Always, "geht an die Liste"),
        (
            "moderate",
            "answer=reject&sentence=+Bitte%0D%0Afragen+Sie+%26+%3Cb%3E++zuerst.",
            reject,
            "abgelehnt",
        ),
        ("moderate", "answer=discard", Said::Discard, "gelöscht"),
        ("moderate", "answer=spam", Said::Spam, "als Spam"),
    ];
    for (token, form, answer, said) in &buttons {
        let house = house();
        let page = house.post(&format!("/q/{token}"), form).await;
        assert_eq!(page.status, StatusCode::OK, "{form}");
        assert!(page.body.contains(said), "{form}: {}", page.body);
        assert_eq!(house.answers(), [(token.to_string(), answer.clone())]);
    }
    let house = house();
    for (owner, form, ..) in &buttons {
        for token in ["confirm", "withdraw", "moderate"].iter().filter(|token| *token != owner) {
            let page = house.post(&format!("/q/{token}"), form).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{token} {form}");
        }
    }
    for form in ["", "answer=", "answer=ja", "yes=answer", "ANSWER=yes"] {
        let page = house.post("/q/confirm", form).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{form}");
    }
    assert_eq!(house.answers(), []);
}

/// AC5: what is wrong is said beside the field and above, nothing typed is lost, and nothing is decided.
#[tokio::test]
async fn a_rejection_needs_a_sentence() {
    let house = house();
    let long = format!("answer=reject&sentence={}", "a".repeat(1_001));
    for (form, typed) in
        [("answer=reject", "rows"), ("answer=reject&sentence=+%0A", "rows"), (&long, "aaaa")]
    {
        let page = house.post("/q/moderate", form).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        for part in [
            "role=\"alert\"",
            "autofocus",
            "href=\"#sentence\"",
            "aria-invalid",
            "<title>Fehler: ",
            typed,
        ] {
            assert!(page.body.contains(part), "{part}: {}", page.body);
        }
    }
    assert_eq!(house.answers(), []);
}

/// Exactly one decision: the second sees who decided, when and how; an author does not learn which moderator.
#[tokio::test]
async fn the_second_sees_who_was_first() {
    let house = house();
    let page = house.post("/q/raced", "answer=accept").await;
    for part in ["schon entschieden", "rektorin@schule.example", "Bitte später.", "20.11.2026"] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let page = house.get("/q/decided").await;
    assert!(page.body.contains("rektorin@schule.example") && !page.body.contains("<form"));
    let before = house.answers().len();
    house.post("/q/decided", "answer=discard").await;
    assert_eq!(house.answers().len(), before, "what is decided is not asked again");
    for token in ["rejected", "discarded"] {
        let page = house.get(&format!("/q/{token}")).await;
        assert!(!page.body.contains("rektorin") && page.body.contains("jemandem"), "{token}");
    }
    assert!(!house.get("/q/discarded").await.body.contains("gelöscht"));
    let page = house.post("/q/passed", "answer=yes").await;
    assert!(page.body.contains("Nun sieht noch jemand die Mail an"));
}

/// Unknown, old, forged, impossible: one and the same page, and the same as for no page at all.
#[tokio::test]
async fn a_bad_link_tells_nothing() {
    let house = house();
    let expected = house.get("/q/aaaa").await;
    assert_eq!(expected.status, StatusCode::NOT_FOUND);
    assert!(expected.body.contains("Dieser Link gilt nicht") && !expected.body.contains("aaaa"));
    let long = format!("/q/{}", "a".repeat(5_000));
    let hex = "/q/%00%0d%0aSet-Cookie:%20a=b";
    for path in
        ["/q/bbbb", "/q/a%2Fb", "/q/%E2%80%AE", hex, &long, "/q/", "/q", "/nothing", "/q/confirm/x"]
    {
        let page = house.get(path).await;
        assert_eq!((page.status, &page.body), (expected.status, &expected.body), "{path}");
        assert_eq!(page.headers, expected.headers, "{path}");
    }
    let page = house.post("/q/cccc", "answer=yes").await;
    assert_eq!((page.status, page.body), (expected.status, expected.body.clone()));
    let page = house.post("/q/gone", "answer=accept").await;
    assert_eq!((page.status, page.body), (expected.status, expected.body));
}

/// GD5, AC3: on every answer the same strict headers; no cookie, no script, nothing from elsewhere.
#[tokio::test]
async fn every_answer_is_fenced_in() {
    let house = house_of(vec![domain("a.example"), domain("b.example")]);
    let mut pages = vec![
        house.get("/").await,
        house.get("/a11y").await,
        house.get("/static/pages.css").await,
        house.get("/q/none").await,
        house.get("/q/trouble").await,
        house.get("/q/panic").await,
        house.post("/q/moderate", "answer=reject").await,
        house.post("/q/confirm", "answer=yes").await,
        house.post_with("/q/confirm", "answer=yes", &[("origin", "https://evil.example")]).await,
    ];
    for token in TOKENS {
        pages.push(house.get(&format!("/q/{token}")).await);
    }
    for page in pages {
        let field = |name: &str| page.headers.get(name).map_or("", |v| v.to_str().expect("text"));
        assert_eq!(
            field("content-security-policy"),
            "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        assert_eq!(field("referrer-policy"), "no-referrer");
        assert_eq!(field("x-content-type-options"), "nosniff");
        assert_eq!(field("x-robots-tag"), "noindex, nofollow");
        assert!(page.headers.get("set-cookie").is_none() && page.headers.get("location").is_none());
        if field("content-type").starts_with("text/css") {
            assert!(!page.body.contains("url(") && !page.body.contains("@import"));
            continue;
        }
        assert_eq!(field("cache-control"), "no-store");
        assert_eq!(field("content-type"), "text/html; charset=utf-8");
        for not in ["<script", "<img", "<iframe", "style=", "onerror=\"", "src=\"", "javascript:"] {
            assert!(!page.body.contains(not), "{not}: {}", page.body);
        }
        let loaded: Vec<&str> = page.body.matches("<link ").collect();
        assert_eq!(loaded.len(), 1, "the style sheet only");
        for link in ["impressum", "datenschutz", "mail\"", "/a11y"] {
            assert!(page.body.contains(link), "GD14, GD26: {link} in {}", page.body);
        }
    }
}

/// LA3, X-rules: what a stranger wrote is text, and what hides or turns text is seen.
#[tokio::test]
async fn text_of_strangers_is_text() {
    let page = house().get("/q/hostile").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("&#60;script&#62;") && !page.body.contains("<script"));
    for hidden in ['\u{202e}', '\u{0}', '\u{1b}'] {
        assert!(!page.body.contains(hidden), "{hidden:?}");
    }
    assert!(page.body.contains("[U+202E]gnp.exe") && page.body.contains("[U+0000]"));
}

/// A page of ours sends our forms, and no foreign one.
#[tokio::test]
async fn forms_of_foreign_pages_do_nothing() {
    let house = house();
    let ours = [("origin", "https://lists.schule.example"), ("sec-fetch-site", "same-origin")];
    for fields in [&[][..], &ours, &[("origin", "null")]] {
        let page = house.post_with("/q/confirm", "answer=yes", fields).await;
        assert_eq!(page.status, StatusCode::OK, "{fields:?}");
    }
    let before = house.answers().len();
    for fields in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let page = house.post_with("/q/confirm", "answer=yes", &[fields]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{fields:?}");
    }
    assert_eq!(house.answers().len(), before);
}

/// Promise 10: sizes, kinds, floods; a panic is one answer and the next is well.
#[tokio::test]
async fn every_request_has_a_limit() {
    let house = house();
    let page = house.post("/q/confirm", &format!("answer={}", "y".repeat(70_000))).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    let json = Request::post("/q/confirm").header("content-type", "application/json");
    let page = house.ask(json.body("{\"answer\":\"yes\"}".into()).expect("a request")).await;
    assert_eq!(page.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let page = house.get("/q/panic").await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(page.body.contains("Der Fehler liegt bei uns"));
    let page = house.get("/q/trouble").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    let flood = async {
        for asked in 1..2_000 {
            if house.get("/robots.txt").await.status == StatusCode::TOO_MANY_REQUESTS {
                return asked;
            }
        }
        0
    };
    let asked = flood.await;
    assert!((500..=600).contains(&asked), "{asked}");
    assert_eq!(house.answers(), []);
}

/// A room that does not answer is not waited for without end.
#[tokio::test]
async fn a_slow_room_is_not_waited_for() {
    let fake = Arc::new(Fake::default());
    let mut site = Site::new("https://l.example", vec![], fake.clone(), Arc::new(|| ARRIVED));
    site.deadline = std::time::Duration::from_millis(20);
    let page = House { router: router(Arc::new(site)), fake }.get("/q/slow").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
}

/// LA2: the person's language, unless the link says another; the switch names each in itself.
#[tokio::test]
async fn languages() {
    let house = house();
    let page = house.get("/q/confirm").await;
    assert!(page.body.contains("<html lang=\"de\" dir=\"ltr\">"));
    let page = house.get("/q/moderate?lang=en").await;
    assert!(
        page.body.contains("<html lang=\"en\"") && page.body.contains("Shall this mail go out?")
    );
    assert!(page.body.contains("<dd dir=\"auto\" lang=\"de\">Die Liste wird moderiert."), "AC6");
    for name in [">Deutsch<", ">English<"] {
        assert!(page.body.contains(name));
    }
    let english = Request::get("/a11y").header("accept-language", "en-GB,en;q=0.9,de;q=0.5");
    let page = house.ask(english.body(Body::empty()).expect("a request")).await;
    assert!(page.body.contains("<title>Accessibility</title>"));
}

/// Every text that a page asks for exists (a missing one would show its key).
#[tokio::test]
async fn no_key_is_shown() {
    let house = house();
    let mut paths: Vec<String> = TOKENS.iter().map(|token| format!("/q/{token}")).collect();
    paths.extend(
        ["/o/member", "/o/paused", "/u/member", "/u/left", "/list/klasse-5b@schule.example"]
            .map(String::from),
    );
    paths.extend(["/", "/a11y", "/q/none", "/q/trouble", "/q/panic"].map(String::from));
    for language in ["de", "en"] {
        for path in &paths {
            let page = house.get(&format!("{path}?lang={language}")).await;
            assert!(!page.body.contains(">page-") && !page.body.contains("\"page-"), "{path}");
        }
        for (token, form) in [
            ("moderate", "answer=reject"),
            ("raced", "answer=accept"),
            ("refused", "answer=accept"),
            ("passed", "answer=yes"),
            ("confirm", "answer=no"),
            ("confirm", "x=y"),
        ] {
            let page = house.post(&format!("/q/{token}?lang={language}"), form).await;
            assert!(
                !page.body.contains("page-end") && !page.body.contains(">page-"),
                "{}",
                page.body
            );
        }
    }
}

/// GD26: a house of several schools shows on common pages whose imprint is whose.
#[tokio::test]
async fn links_of_several_schools() {
    let page = house_of(vec![domain("a.example"), domain("b.example")]).get("/").await;
    for text in ["Impressum (a.example)", "Impressum (b.example)"] {
        assert!(page.body.contains(text), "{}", page.body);
    }
    let page = house_of(vec![domain("a.example")]).get("/a11y").await;
    assert!(page.body.contains(">Impressum<") && page.body.contains("postmaster@a.example"));
}

/// A path in `public_url` stands in every link of ours.
#[tokio::test]
async fn a_path_before_ours() {
    let site = Site::new(
        "https://schule.example/listen/",
        vec![domain("schule.example")],
        Arc::new(Fake::default()),
        Arc::new(|| ARRIVED),
    );
    assert_eq!((site.origin.as_str(), site.base.as_str()), ("https://schule.example", "/listen"));
    let house = House { router: router(Arc::new(site)), fake: Arc::default() };
    let page = house.get("/").await;
    assert!(page.body.contains("href=\"/listen/static/pages.css\""));
    assert!(page.body.contains("href=\"/listen/a11y?lang=de\""));
}
