//! Test mails: written in a line or two, and looked at when they come back.

use data_encoding::BASE64;

/// A text mail with the fields that a mail program sets. CRLF line ends.
pub fn text(from: &str, to: &str, subject: &str, id: &str, body: &str) -> Vec<u8> {
    format!(
        "From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: Sun, 22 Nov 2026 10:00:00 +0100\r\n\
         Message-ID: <{id}>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\n{}\r\n",
        body.replace('\n', "\r\n")
    )
    .into_bytes()
}

/// The same with a file attached.
pub fn with_file(subject: &str, id: &str, name: &str, file: &[u8]) -> Vec<u8> {
    let coded = BASE64.encode(file);
    let lines: Vec<&str> =
        coded.as_bytes().chunks(76).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!(
        "From: Ayse <ayse.oeztuerk@post.example>\r\nTo: klasse-5b@schule.example\r\nSubject: {subject}\r\n\
         Date: Sun, 22 Nov 2026 10:00:00 +0100\r\nMessage-ID: <{id}>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"b-{id}\"\r\n\r\n--b-{id}\r\n\
         Content-Type: text/plain\r\n\r\nSiehe Anhang.\r\n--b-{id}\r\n\
         Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"{name}\"\r\n\r\n{}\r\n--b-{id}--\r\n",
        lines.join("\r\n")
    )
    .into_bytes()
}

/// The header lines up to the empty line, and what follows it.
pub fn split(mail: &[u8]) -> (&[u8], &[u8]) {
    let end = mail.windows(4).position(|w| w == b"\r\n\r\n");
    end.and_then(|at| mail.split_at_checked(at + 4)).unwrap_or((mail, b""))
}

/// The values of a header field, unfolded, in order.
pub fn headers(mail: &[u8], name: &str) -> Vec<String> {
    let head = String::from_utf8_lossy(split(mail).0).replace("\r\n ", " ").replace("\r\n\t", " ");
    let fields = head.split("\r\n").filter_map(|line| line.split_once(':'));
    fields.filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim().to_owned()).collect()
}

/// The first value of a header field; empty when there is none.
pub fn header(mail: &[u8], name: &str) -> String {
    headers(mail, name).into_iter().next().unwrap_or_default()
}

/// The path of a copy's own page, `/u/TOKEN`: behind the address of the pages (`public_url`), in its first link to unsubscribe.
pub fn own_path(copy: &[u8], pages: &str) -> Option<String> {
    let links = header(copy, "List-Unsubscribe");
    let (link, _) = links.strip_prefix('<')?.split_once('>')?;
    Some(link.strip_prefix(pages)?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_any_case_and_unfolded() {
        let mail = b"A: 1\r\nb: x\r\n y\r\na: 2\r\n\r\nA: 3\r\n";
        assert_eq!(headers(mail, "a"), ["1", "2"]);
        assert_eq!(header(mail, "B"), "x y");
        assert_eq!(split(mail).1, b"A: 3\r\n");
    }
}
