//! How the lines of a mail or a body are: counted in one pass, nothing decoded.

/// What [`lines`] found.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Octets of the longest line, without its CRLF (RFC 5322 2.1.1 allows 998).
    pub longest: usize,
    /// An octet above 127.
    pub eight_bit: bool,
    /// A CR without LF or an LF without CR.
    pub bare: bool,
    pub nul: bool,
}

/// Longest line that may leave this house, without CRLF (RFC 5322 2.1.1, rule X3).
pub const MAX_LINE: usize = 998;

/// Looks at every line. Linear, no allocation.
pub fn lines(raw: &[u8]) -> Lines {
    let mut found = Lines {
        eight_bit: !raw.is_ascii(),
        nul: memchr::memchr(0, raw).is_some(),
        ..Lines::default()
    };
    let mut rest = raw;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest);
        let (line, after) = rest.split_at(end.map_or(rest.len(), |i| i + 1));
        let text = match line {
            [text @ .., b'\r', b'\n'] => text,
            [text @ .., b'\n'] => {
                found.bare = true;
                text
            }
            text => text,
        };
        found.bare |= memchr::memchr(b'\r', text).is_some();
        found.longest = found.longest.max(text.len());
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X2, X3: line ends and lengths.
    #[test]
    fn lines_are_counted() {
        let is = |longest, eight_bit, bare, nul| Lines { longest, eight_bit, bare, nul };
        let cases: [(&[u8], Lines); 8] = [
            (b"", is(0, false, false, false)),
            (b"abc\r\nde\r\n", is(3, false, false, false)),
            (b"abc\nde\r\n", is(3, false, true, false)),
            (b"a\rbc\r\n", is(4, false, true, false)),
            (b"abc\r\r\n", is(4, false, true, false)),
            (b"abc", is(3, false, false, false)),
            (b"abc\r", is(4, false, true, false)),
            (b"\xc3\0\r\n", is(2, true, false, true)),
        ];
        for (raw, expect) in cases {
            assert_eq!(lines(raw), expect, "{raw:?}");
        }
    }
}
