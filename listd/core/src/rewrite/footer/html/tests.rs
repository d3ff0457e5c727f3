//! Where a page ends, and that nothing else of it changes.

use proptest::prelude::*;

use super::*;
use crate::message::Encoding;
use crate::rewrite::footer::Dir;

fn footer() -> Footer {
    Footer {
        language: "de".to_owned(),
        plain: "___\nListe 5b\n".to_owned(),
        html: "<div>\r\n<hr/>\r\nListe f&#252;r &#8222;5b\r\n</div>\r\n".to_owned(),
        dir: Dir::Ltr,
    }
}

fn grown(body: &[u8], encoding: Encoding, charset: &str) -> Result<Grown, Unfit> {
    let params = [("charset".to_owned(), charset.to_owned())];
    let params = if charset.is_empty() { &[][..] } else { &params[..] };
    grow(&Leaf { kind: "text/html", params, encoding, body, is_mail: false }, &footer())
}

/// B4: `|` is where the footer goes.
#[test]
fn the_end_of_the_body_is_found() {
    for marked in [
        "<html><body>x|</body></html>",
        "x|</BODY >\r\n</HTML>",
        "<p>x|</html>",
        "<p>x|",
        "|",
        "a < b and c<d> |</body>",
        "</body><p>reply|</body></html>",
        "x|</body><!-- </body> -->",
        "<!-- </body> --><p>x|",
        "<!--[if mso]></body><![endif]-->x|</body>",
        "<!--></body>x|</body>",
        "<script>document.write('</body>')</script>x|",
        "<script>'</body>'</SCRIPT >|</body><style></body></style>",
        "<title></body></title>|</body>",
        "<textarea></body></textarea>x|",
        "<![CDATA[ </body> ]]>x|</body>",
        "<img alt=\"</body>\">x|</body>",
        "<img alt='>' title=a\"b>x|</body>",
        "<a b=c\"d>|</body><i e=\"f\">",
        "x|<!-- never closed </body>",
        "x|<script> never closed </body>",
        "x|<img alt=\"never closed </body>",
        "x</bodyguard>y|",
        "<?php </body> ?>|</body>",
        "<body>x|</body\n></html>",
    ] {
        let html = marked.replace('|', "");
        let at = marked.find('|').expect("a mark");
        assert_eq!(place(html.as_bytes()), at, "{marked}");
    }
}

/// B4, B9: any charset that has ASCII in it, and no other.
#[test]
fn pages_in_charsets() {
    let jis = b"<p>\x1b$B</body>\x1b(B</body>";
    for (body, charset, fits) in [
        (&b"<p>x</body>"[..], "", true),
        (b"<p>\xe4</body>", "", true),
        (b"<p>\xe4</body>", "iso-8859-1", true),
        (b"<p>x</body>", "klingon", false),
        (b"<p>x</body>", "utf-7", false),
        (b"<p>\0x</body>", "", false),
        (b"\xff\xfe<p>", "utf-8", false),
        (jis, "iso-2022-jp", true),
        (b"<p>\x1b$B$\"", "iso-2022-jp", false),
    ] {
        let got = grown(body, Encoding::Identity, charset);
        assert_eq!(got.is_ok(), fits, "{} {charset}", String::from_utf8_lossy(body));
    }
    let at = grown(jis, Encoding::Identity, "iso-2022-jp").expect("it fits").at;
    assert_eq!(at, 16..16, "not inside the Japanese text");
}

/// A page that ends in this footer gets no second one; a quoted one does not count.
#[test]
fn no_second_footer() {
    let html = footer().html;
    for (body, expect) in [
        (format!("<p>x{html}</body>"), Err(Unfit::Already)),
        (format!("<p>x<div>{}</div></body>", html.replace("&#8222;", "„")), Err(Unfit::Already)),
        // What stands above has no ASCII letters.
        (format!("<p>\u{3042}\u{1f600}{html}</body>"), Err(Unfit::Already)),
        (format!("<blockquote>x{html}</blockquote></body>"), Ok(())),
        (format!("{html}<p>x</body>"), Ok(())),
        ("<p>x</body>".to_owned(), Ok(())),
    ] {
        let got = grown(body.as_bytes(), Encoding::Identity, "utf-8").map(|_| ());
        assert_eq!(got, expect, "{body}");
    }
}

proptest! {
    /// Promise 10, B4: any page in any encoding stays as it is around one stretch.
    #[test]
    fn any_page_keeps_its_octets(
        html in "(<|>|</body>|</html>|<!--|-->|<script>|</script>|\"|=|<a b='|ü|[a-z ]|\r\n){0,30}",
    ) {
        let base64 = crate::rewrite::transfer::based(html.as_bytes());
        let quoted = crate::rewrite::transfer::quoted(&[html.as_bytes()]);
        for (encoding, body) in [
            (Encoding::Identity, html.as_bytes()),
            (Encoding::Base64, &base64),
            (Encoding::QuotedPrintable, &quoted),
        ] {
            let grown = grown(body, encoding, "utf-8").expect("it fits");
            let mut out = body.to_vec();
            out.splice(grown.at, grown.new);
            let wire = Wire::read(encoding, &out).expect("readable");
            let text = String::from_utf8(wire.octets.into_owned()).expect("UTF-8");
            let (before, after) = text.split_once("<div>\r\n<hr/>").expect("a footer");
            let after = after.split_once("</div>\r\n").expect("its end").1;
            let before = match format!("{before}{after}") == html {
                true => before,
                false => before.strip_suffix("\r\n").expect("a line end in front"),
            };
            prop_assert_eq!(format!("{before}{after}"), html.clone());
        }
    }
}
