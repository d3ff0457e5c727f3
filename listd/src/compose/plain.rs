//! Copies for readers who want plain text only.

use listcore::list::Form;
use listcore::rewrite::PostKind;

use super::tests::{CAN, HEAD, NOW, bytes, composer, post, to};
use super::*;

const PAGE: &str = "Content-Type: multipart/mixed; boundary=m\r\n\r\n\
    --m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n\
    --a\r\nContent-Type: text/plain\r\n\r\nAm Freitag.\r\n\
    --a\r\nContent-Type: text/html\r\n\r\n<p>Am <b>Freitag</b>.</p>\r\n--a--\r\n\
    --m\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\n%PDF-1\r\n--m--\r\n";

const SIGNED: &str = "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=s\r\n\r\n\
    --s\r\nContent-Type: text/html\r\n\r\n<p>Freitag</p>\r\n\
    --s\r\nContent-Type: application/pgp-signature\r\n\r\n-----BEGIN PGP SIGNATURE-----\r\n--s--\r\n";

fn mail(rest: &str) -> Body {
    Body::Memory(Bytes::from(format!("{HEAD}{rest}").into_bytes()))
}

fn text(composer: &Composer, post: &StoredPost, body: &Body, edition: &Edition) -> String {
    let variant = composer.variant(post, body, &CAN, edition).expect("variant");
    let copy = composer.copy(&variant, &[to(7, "m7@gmx.example")], NOW).expect("copy");
    String::from_utf8_lossy(&bytes(&copy)).into_owned()
}

/// Text alone, attachments stay; one body for all who want it; and nothing changes for the others.
#[test]
fn text_only_is_an_edition_of_its_own() {
    let (composer, post, body) = (composer([]), post(Copies::Shared), mail(PAGE));
    let full = text(&composer, &post, &body, &"de".into());
    assert!(
        full.contains("<b>Freitag</b>") && full.ends_with(PAGE.split_once("\r\n\r\n").unwrap().1)
    );
    let reader = to(8, "m8@gmx.example").1;
    let edition = composer.edition(&post.frozen, &reader, true);
    assert!(edition.plain && edition != composer.edition(&post.frozen, &reader, false));
    let plain = text(&composer, &post, &body, &edition);
    assert!(plain.contains("Am Freitag.") && plain.contains("%PDF-1"), "{plain}");
    assert!(!plain.contains("<b>") && !plain.contains("text/html"), "{plain}");
    let variant = composer.variant(&post, &body, &CAN, &edition).expect("variant");
    let all = [to(7, "m7@gmx.example"), to(8, "m8@gmx.example")];
    let copy = composer.copy(&variant, &all, NOW).expect("copy");
    assert_eq!(copy.recipients.len(), 2, "one shared copy serves all who want it");
    let mut of_text = post.clone();
    of_text.frozen.settings.form = Form::Text;
    assert!(!composer.edition(&of_text.frozen, &reader, true).plain, "it is the list's own form");
}

/// Promise 9: signed mail goes as it is. And where there is no plain text to be had, the mail comes as it is too.
#[test]
fn what_can_not_be_plain_comes_as_it_is() {
    let (composer, mut post) = (composer([]), post(Copies::Personal));
    let plain = Edition { plain: true, ..Edition::from("de") };
    let (full, signed) = (Edition::from("de"), mail(SIGNED));
    let both = [&full, &plain].map(|edition| text(&composer, &post, &signed, edition));
    assert_eq!(both[0], both[1]);
    let odd = mail("Content-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n\r\nx\r\n");
    let both = [&full, &plain].map(|edition| text(&composer, &post, &odd, edition));
    assert!(both.iter().all(|text| text.contains('x')));
    post.frozen.kind = PostKind::Author(1);
    assert!(!composer.edition(&post.frozen, &to(7, "m7@gmx.example").1, true).plain);
}
