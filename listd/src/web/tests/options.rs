//! Members' own settings and one click, against the router in this process.

use super::*;
use crate::web::wishes::{Digest, Mail, Wishes};

impl House {
    fn wishes(&self) -> Vec<(String, Wishes)> {
        self.fake.wishes.lock().expect("unharmed").clone()
    }
}

const ONE_CLICK: &str = "List-Unsubscribe=One-Click";
const PARTS: &str = "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n";

/// H8, H9: one POST, packed either way, from anywhere, acts at once; no redirect, no cookie; twice is once.
#[tokio::test]
async fn one_click_unsubscribes() {
    let house = house();
    let nobody = [("origin", "https://mail.example"), ("sec-fetch-site", "cross-site")];
    for fields in [&[][..], &nobody] {
        let page = house.post_with("/u/member", ONE_CLICK, fields).await;
        assert_eq!(page.status, StatusCode::OK, "{fields:?}");
        assert!(page.headers.get("location").is_none() && page.headers.get("set-cookie").is_none());
        assert!(page.body.contains("Keine Mails mehr von Klasse 5b"), "{}", page.body);
        assert!(page.body.contains("/o/member"), "a way back");
    }
    let multipart =
        Request::post("/u/member").header("content-type", "multipart/form-data; boundary=b");
    let page = house.ask(multipart.body(PARTS.into()).expect("a request")).await;
    assert_eq!(page.status, StatusCode::OK);
    let none = Wishes { mail: Mail::None, ..Wishes::default() };
    assert_eq!(house.wishes(), vec![("member".to_owned(), none); 3]);
}

/// H9: looking does nothing, nor does any other body, nor an unknown token.
#[tokio::test]
async fn nothing_else_unsubscribes() {
    let house = house();
    for path in ["/u/member", "/u/left", "/u/member?List-Unsubscribe=One-Click"] {
        for method in ["GET", "HEAD"] {
            let request = Request::builder().method(method).uri(path);
            let page = house.ask(request.body(Body::empty()).expect("a request")).await;
            assert_eq!(page.status, StatusCode::OK, "{method} {path}");
        }
    }
    for form in [
        "",
        "List-Unsubscribe=",
        "List-Unsubscribe=one-click",
        "list-unsubscribe=One-Click",
        "a=b",
        "One-Click",
    ] {
        let page = house.post("/u/member", form).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{form}");
    }
    let text = Request::post("/u/member").header("content-type", "text/plain");
    let page = house.ask(text.body(ONE_CLICK.into()).expect("a request")).await;
    assert_eq!(page.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(house.post("/u/none", ONE_CLICK).await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.post("/u/trouble", ONE_CLICK).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(house.wishes(), []);
    let page = house.get("/u/member").await;
    assert!(page.body.contains("name=\"List-Unsubscribe\" value=\"One-Click\""));
    assert!(!house.get("/u/left").await.body.contains("<form"), "nothing left to leave");
}

/// Each wish is taken as it stands in the form; what is not offered stays as it was.
#[tokio::test]
async fn wishes_are_saved() {
    let cases = [
        ("member", "mail=all&digest=off", Wishes::default()),
        (
            "member",
            "mail=none&digest=daily&no-own=on&no-addressed=on&plain=on",
            Wishes {
                mail: Mail::None,
                digest: Digest::Daily,
                no_own: true,
                no_addressed: true,
                plain: true,
            },
        ),
        (
            "member",
            "mail=all&digest=weekly&plain=on",
            Wishes { digest: Digest::Weekly, plain: true, ..Wishes::default() },
        ),
        ("few", "mail=all&digest=daily&plain=on", Wishes { no_own: true, ..Wishes::default() }),
    ];
    for (token, form, expected) in cases {
        let house = house();
        let page = house.post(&format!("/o/{token}"), form).await;
        assert_eq!(page.status, StatusCode::OK, "{form}");
        assert!(page.body.contains("role=\"status\""), "AC6: {}", page.body);
        assert_eq!(house.wishes(), [(token.to_owned(), expected)], "{form}");
    }
    let house = house();
    let page = house.post("/o/member", "mail=pause&until=2026-11-30&digest=off").await;
    assert!(
        page.body.contains("value=\"2026-11-30\"") && page.body.contains("value=\"pause\" checked")
    );
    assert!(matches!(house.wishes()[0].1.mail, Mail::Until(_)));
}

/// AC5: a pause needs a day; and a form that is not ours saves nothing.
#[tokio::test]
async fn wishes_that_make_no_sense() {
    let house = house();
    for until in ["", "&until=2020-01-01", "&until=3000-01-01", "&until=%3Cscript%3E"] {
        let page = house.post("/o/member", &format!("mail=pause&digest=off{until}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{until}");
        for part in ["role=\"alert\"", "href=\"#until\"", "aria-invalid", "Fehler: "] {
            assert!(page.body.contains(part), "{part}: {}", page.body);
        }
        assert!(!page.body.contains("<script"));
    }
    for form in ["", "mail=all", "mail=x&digest=off", "digest=off", "mail=all&digest=hourly"] {
        assert_eq!(house.post("/o/member", form).await.status, StatusCode::BAD_REQUEST, "{form}");
    }
    let foreign = [("origin", "https://evil.example")];
    let page = house.post_with("/o/member", "mail=none&digest=off", &foreign).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(house.get("/o/none").await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.wishes(), []);
}

/// GD2: who is on the list and who is not hear the same; an address that is none is said to be none.
#[tokio::test]
async fn a_link_by_mail_tells_nothing_of_who_is_on_the_list() {
    let house = house();
    let path = "/list/klasse-5b@schule.example";
    assert_eq!(house.get(path).await.status, StatusCode::OK);
    let first = house.post(path, "address=ayse%40gmx.example").await;
    let second = house.post(path, "address=+nobody%40gmx.example+").await;
    assert_eq!((first.status, &first.body), (StatusCode::OK, &second.body));
    assert!(!first.body.contains("ayse"));
    let sent = house.fake.sent.lock().expect("unharmed").clone();
    let list = "klasse-5b@schule.example";
    let expected =
        ["ayse@gmx.example", "nobody@gmx.example"].map(|a| (list.to_owned(), a.to_owned()));
    assert_eq!(sent, expected);
    for typed in ["", "ayse", "a b@c.example", "a@b@c", "%0d%0aBcc:x@y.example"] {
        let page = house.post(path, &format!("address={typed}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(
            page.body.contains("autocomplete=\"email\"") && page.body.contains("role=\"alert\"")
        );
    }
    assert_eq!(house.get("/list/nobody@schule.example").await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.fake.sent.lock().expect("unharmed").len(), 2);
}
