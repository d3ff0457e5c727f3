//! The footer as a part of its own, octet by octet.

use super::*;
use crate::rewrite::edit::Edits;
use crate::rewrite::footer::Dir;

fn footer(text: &str) -> Footer {
    let plain = format!("___\n{text}\n");
    Footer { language: "de".to_owned(), plain, html: String::new(), dir: Dir::Ltr }
}

fn applied(raw: &str, edits: Vec<Edit>) -> String {
    let edits = Edits::new(edits, raw.len()).expect("edits");
    String::from_utf8(edits.apply(raw.as_bytes())).expect("UTF-8")
}

const PART: &str = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\
                    Content-Disposition: inline\r\nContent-Language: de\r\n\r\n___\r\nfoot";

/// B6, B10: a last part; what is around the parts stays, a missing end is mended.
#[test]
fn a_last_part() {
    let cases = [
        (
            "pre\r\n--b\r\n\r\nx\r\n--b--\r\nepi\r\n",
            "pre\r\n--b\r\n\r\nx\r\n--b\r\n{}\r\n--b--\r\nepi\r\n",
        ),
        ("--b\r\n\r\nx\r\n--b--", "--b\r\n\r\nx\r\n--b\r\n{}\r\n--b--"),
        ("--b\r\n--b--\r\n", "--b\r\n--b\r\n{}\r\n--b--\r\n"),
        ("--b\r\n\r\nx\r\n", "--b\r\n\r\nx\r\n\r\n--b\r\n{}\r\n--b--\r\n"),
    ];
    for (body, expect) in cases {
        let raw = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{body}");
        let tree = Tree::parse(raw.as_bytes()).expect("a tree");
        let edit = extended(raw.as_bytes(), &tree, &footer("foot")).expect("a place");
        let head = raw.len() - body.len();
        assert_eq!(applied(&raw, vec![edit])[head..], expect.replace("{}", PART));
    }
}

/// B7: the mail is the first part, its fields for the body go with it, and its body is not touched.
#[test]
fn a_part_beside_the_mail() {
    let body = "--s\r\n\r\nx =_verteiler_0\r\n--s--";
    let raw = format!(
        "From: a@x.example\r\nContent-Type: multipart/signed; micalg=x;\r\n\tboundary=s\r\nX: y\r\n\
         CONTENT-transfer-encoding: 8bit\r\n\r\n{body}"
    );
    let tree = Tree::parse(raw.as_bytes()).expect("a tree");
    let new = applied(&raw, wrapped(raw.as_bytes(), &tree.parts[0], &footer("foot")));
    assert_eq!(
        new,
        format!(
            "From: a@x.example\r\nX: y\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n \
             boundary=\"=_verteiler_1\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--=_verteiler_1\r\n\
             Content-Type: multipart/signed; micalg=x;\r\n\tboundary=s\r\nCONTENT-transfer-encoding: 8bit\r\n\r\n\
             {body}\r\n--=_verteiler_1\r\n{PART}\r\n--=_verteiler_1--\r\n"
        )
    );
    assert!(
        entity(&footer("für"))
            .contains("charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable")
    );
    assert!(
        entity(&footer("مرحبا بكم")).contains("charset=utf-8\r\nContent-Transfer-Encoding: base64")
    );
}
