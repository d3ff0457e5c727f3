//! Mail addresses as values: parsed once, compared the one way that is right.
//!
//! Not header syntax: names, comments and groups of a From or To are `message`.

use serde::{Deserialize, Serialize};

/// An addr-spec (RFC 5321 4.1.2): a local part without its quotes, and a domain as lower-case A-label (rule U5).
///
/// Two addresses are the same mailbox for us when their [`key`](Address::key)s are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    local: Box<str>,
    domain: Box<str>,
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("there is no @ in it")]
    NoAt,
    #[error("nothing stands before the @")]
    EmptyLocal,
    #[error("the part before the @ is longer than 64 octets")]
    LongLocal,
    #[error("the part before the @ has a character that is not allowed there")]
    BadLocal,
    #[error("the part behind the @ is no domain name")]
    BadDomain,
}

impl Address {
    /// Parses `local@domain`, with or without quotes around the local part.
    ///
    /// Limits of RFC 5321 4.5.3.1: 64 octets before the `@`, 255 behind it. UTF-8 is accepted on both sides
    /// (RFC 6531); no control character is, anywhere (rule X4). Dots in odd places (`a..b@d`) are accepted,
    /// because such mailboxes exist, and quoted on output.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        let (local, domain) = split(text)?;
        Address::new(local, domain)
    }

    /// Puts an address together from a local part *without* quotes and a domain.
    pub fn new(local: impl Into<String>, domain: &str) -> Result<Address, AddressError> {
        let local = local.into();
        if local.is_empty() {
            return Err(AddressError::EmptyLocal);
        }
        if local.len() > 64 {
            return Err(AddressError::LongLocal);
        }
        if local.chars().any(|c| c.is_control() || c == '\u{2028}' || c == '\u{2029}') {
            return Err(AddressError::BadLocal);
        }
        Ok(Address { local: local.into(), domain: normal_domain(domain)?.into() })
    }

    /// The local part as it was written, without quotes.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The domain, lower-case, as A-label.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The mailbox behind a return address that its provider has signed (BATV: `prvs=0123abcdef=anna@gmx.example`); any
    /// other address as it is.
    pub fn without_batv(&self) -> Address {
        let tagged = |local: &str| {
            let start = local.get(.."prvs=".len())?;
            let (tag, mailbox) = local.get("prvs=".len()..)?.split_once('=')?;
            // One digit for the key, three for the day, six of the hash; some send more.
            let is_tag =
                (10..=16).contains(&tag.len()) && tag.chars().all(|c| c.is_ascii_hexdigit());
            let is_batv = start.eq_ignore_ascii_case("prvs=") && is_tag && !mailbox.is_empty();
            is_batv.then(|| mailbox.to_owned())
        };
        match tagged(&self.local) {
            Some(mailbox) => Address { local: mailbox.into(), domain: self.domain.clone() },
            None => self.clone(),
        }
    }

    /// What two spellings of one mailbox have in common: the local part folded in ASCII only (rule LA4).
    pub fn key(&self) -> String {
        format!("{}@{}", self.local.to_ascii_lowercase(), self.domain)
    }

    /// True where `other` is the same mailbox.
    pub fn same_as(&self, other: &Address) -> bool {
        self.domain == other.domain && self.local.eq_ignore_ascii_case(&other.local)
    }

    /// True where no SMTPUTF8 is needed to send to it (RFC 6531 3.4).
    pub fn is_ascii(&self) -> bool {
        self.local.is_ascii()
    }
}

/// Lower-cases a domain and turns U-labels into A-labels; address literals stay.
pub fn normal_domain(domain: &str) -> Result<String, AddressError> {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    if let Some(literal) = domain.strip_prefix('[').and_then(|d| d.strip_suffix(']')) {
        let fine = !literal.is_empty()
            && domain.len() <= 255
            && literal.bytes().all(|b| b.is_ascii_alphanumeric() || b".:-".contains(&b));
        return if fine { Ok(domain.to_ascii_lowercase()) } else { Err(AddressError::BadDomain) };
    }
    let ascii = idna::domain_to_ascii(domain).map_err(|_| AddressError::BadDomain)?;
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if ascii.len() > 255 || !ascii.split('.').all(label) {
        return Err(AddressError::BadDomain);
    }
    Ok(ascii)
}

/// Splits at the `@` that counts and takes the quotes off the local part.
fn split(text: &str) -> Result<(String, &str), AddressError> {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut local = String::new();
        let mut chars = quoted.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => local.push(chars.next().ok_or(AddressError::BadLocal)?.1),
                '"' => {
                    let rest = &quoted[at + 1..];
                    return Ok((local, rest.strip_prefix('@').ok_or(AddressError::NoAt)?));
                }
                c => local.push(c),
            }
        }
        return Err(AddressError::NoAt);
    }
    let (local, domain) = text.rsplit_once('@').ok_or(AddressError::NoAt)?;
    let special = |c: char| {
        matches!(c, ' ' | '"' | '(' | ')' | '<' | '>' | '@' | ',' | ';' | ':' | '\\' | '[' | ']')
    };
    if local.contains(special) {
        return Err(AddressError::BadLocal);
    }
    Ok((local.to_owned(), domain))
}

/// True for a Dot-string (RFC 5321 4.1.2, RFC 6531 3.3): what needs no quotes.
fn is_dot_string(local: &str) -> bool {
    let atext =
        |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(atext))
}

impl std::fmt::Display for Address {
    /// As it goes on the wire: quoted where it must be.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if is_dot_string(&self.local) {
            return write!(f, "{}@{}", self.local, self.domain);
        }
        f.write_str("\"")?;
        for c in self.local.chars() {
            if matches!(c, '"' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        write!(f, "\"@{}", self.domain)
    }
}

impl std::str::FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        Address::parse(text)
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Address, AddressError> {
        Address::parse(&text)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> String {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, AddressError> {
        Address::parse(text).map(|a| a.to_string())
    }

    /// BATV as providers send it, and what only looks like it.
    #[test]
    fn a_signed_return_address_has_a_mailbox_behind_it() {
        let cases = [
            ("prvs=0123abcdef=anna@x.example", "anna@x.example"),
            ("PRVS=10a1b2c3d4e5=Anna@x.example", "Anna@x.example"),
            ("prvs=0123abcdef=a=b@x.example", "a=b@x.example"),
            ("prvs=anna@x.example", "prvs=anna@x.example"),
            ("prvs=0123abcdeg=anna@x.example", "prvs=0123abcdeg=anna@x.example"),
            ("prvs=0123abcdef=@x.example", "prvs=0123abcdef=@x.example"),
            ("anna@x.example", "anna@x.example"),
            ("ü@x.example", "ü@x.example"),
        ];
        for (text, mailbox) in cases {
            let address = Address::parse(text).expect("an address");
            assert_eq!(address.without_batv().to_string(), mailbox);
        }
    }

    /// X5, LM15, U5: quoted local parts, odd dots, IDN, trailing dots, two @.
    #[test]
    fn addresses_keep_their_meaning() {
        let cases = [
            ("Anna@Schule.Example", Ok("Anna@schule.example")),
            ("anna@schule.example.", Ok("anna@schule.example")),
            ("\"a b\"@x.example", Ok("\"a b\"@x.example")),
            ("\"anna\"@x.example", Ok("anna@x.example")),
            ("\"a@b\"@x.example", Ok("\"a@b\"@x.example")),
            ("\"q\\\"\\\\\"@x.example", Ok("\"q\\\"\\\\\"@x.example")),
            ("a..b@x.example", Ok("\"a..b\"@x.example")),
            ("müller@schüle.example", Ok("müller@xn--schle-mva.example")),
            ("a@[192.0.2.1]", Ok("a@[192.0.2.1]")),
            ("5b+x=y@s.example", Ok("5b+x=y@s.example")),
            ("anna", Err(AddressError::NoAt)),
            ("@x.example", Err(AddressError::EmptyLocal)),
            ("a@b@x.example", Err(AddressError::BadLocal)),
            ("a b@x.example", Err(AddressError::BadLocal)),
            ("a\r\nBcc:x@x.example", Err(AddressError::BadLocal)),
            ("\"a\nb\"@x.example", Err(AddressError::BadLocal)),
            ("a@", Err(AddressError::BadDomain)),
            ("a@b c", Err(AddressError::BadDomain)),
            ("a@.example", Err(AddressError::BadDomain)),
            ("a@[x y]", Err(AddressError::BadDomain)),
        ];
        for (text, expect) in cases {
            assert_eq!(shown(text), expect.map(str::to_owned), "{text:?}");
        }
        assert_eq!(shown(&format!("{}@x.example", "a".repeat(65))), Err(AddressError::LongLocal));
    }

    /// LA4: only ASCII is folded, so a Turkish dotted I is another letter.
    #[test]
    fn one_mailbox_in_two_spellings() {
        let parse = |t| Address::parse(t).expect("address");
        assert!(parse("ANNA@x.example").same_as(&parse("anna@X.Example")));
        assert!(!parse("İnci@x.example").same_as(&parse("inci@x.example")));
        assert_eq!(parse("Anna@X.example").key(), "anna@x.example");
    }
}
