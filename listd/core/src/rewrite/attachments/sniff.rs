//! What a file is by its first octets, whatever it is called (rule B13).
//!
//! Bounded: a window at the beginning, and one linear search through an Office document for its macros. Nothing is
//! unpacked.

use std::panic::catch_unwind;

use infer::MatcherType;
use memchr::memmem;

use crate::list::Family;

/// Octets that are looked at for the type.
const WINDOW: usize = 64 * 1024;

/// What the octets say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Media type and the usual ending, where the octets are those of a known type.
    pub kind: Option<(&'static str, &'static str)>,
    pub family: Option<Family>,
}

pub(super) fn sniff(content: &[u8]) -> Found {
    let window = content.get(..WINDOW).unwrap_or(content);
    // A young crate reads hostile octets here: a panic in it costs the answer, not the mail.
    let known = catch_unwind(|| infer::get(window)).ok().flatten();
    let kind = known.map(|known| (known.mime_type(), known.extension()));
    let family = match known.map(|known| (known.matcher_type(), known.extension())) {
        _ if has_macros(content) => Some(Family::OfficeMacro),
        _ if is_script(window) => Some(Family::Script),
        Some((_, "sh")) => Some(Family::Script),
        Some((_, "msi" | "deb" | "rpm")) if !is_ole(content) => Some(Family::Program),
        Some((MatcherType::App, ending)) if !matches!(ending, "der" | "pem" | "qcow2") => {
            Some(Family::Program)
        }
        // A document is not taken for an archive only since it is packed like one.
        Some((MatcherType::Archive, ending)) => match ending {
            "zip" if is_document(window) => None,
            "pdf" | "rtf" | "ps" | "sqlite" | "dcm" | "msi" | "epub" | "nes" | "crx" | "swf" => {
                None
            }
            _ => Some(Family::Archive),
        },
        _ => None,
    };
    Found { kind, family }
}

/// The container of old Office documents, and of installers (MS-CFB).
fn is_ole(content: &[u8]) -> bool {
    content.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1])
}

/// The names of files in a zip archive stand there as they are.
fn is_document(window: &[u8]) -> bool {
    let has = |name: &[u8]| memmem::find(window, name).is_some();
    has(b"[Content_Types].xml") || has(b"mimetypeapplication/")
}

fn has_macros(content: &[u8]) -> bool {
    let has = |name: &[u8]| memmem::find(content, name).is_some();
    if content.starts_with(b"PK\x03\x04") {
        return has(b"vbaProject.bin") || has(b"Basic/script-l");
    }
    // Names of streams are UTF-16.
    is_ole(content) && has(b"_\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0")
}

/// Texts that are run: by their first line, or by what web pages and Windows' own scripts begin with.
fn is_script(window: &[u8]) -> bool {
    let text = window.strip_prefix(b"\xef\xbb\xbf").unwrap_or(window).trim_ascii_start();
    let start = text.get(..text.len().min(40)).unwrap_or(text).to_ascii_lowercase();
    let starts: [&[u8]; 6] =
        [b"#!", b"<script", b"<?php", b"@echo off", b"<job", b"<hta:application"];
    starts.iter().any(|with| start.starts_with(with))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B13: by content alone.
    #[test]
    fn files_are_recognised() {
        let mut exe = vec![0; 200];
        exe[..2].copy_from_slice(b"MZ");
        let cases: [(&[u8], Option<&str>, Option<Family>); 14] = [
            (&exe, Some("exe"), Some(Family::Program)),
            (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0>\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", Some("elf"), Some(Family::Program)),
            (b"#!/bin/sh\necho", Some("sh"), Some(Family::Script)),
            (b"\xef\xbb\xbf <?php x", None, Some(Family::Script)),
            (b"@ECHO OFF\r\n", None, Some(Family::Script)),
            (b"PK\x03\x04\x14\0\0\0\0\0a.txt", Some("zip"), Some(Family::Archive)),
            (b"PK\x03\x04\x14\0\0\0\0\0[Content_Types].xml", Some("zip"), None),
            (b"PK\x03\x04\x14\0 [Content_Types].xml word/vbaProject.bin", Some("zip"), Some(Family::OfficeMacro)),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 _\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0", None, Some(Family::OfficeMacro)),
            (b"Rar!\x1a\x07\0", Some("rar"), Some(Family::Archive)),
            (b"%PDF-1.7\n", Some("pdf"), None),
            (b"\x89PNG\r\n\x1a\n", Some("png"), None),
            (b"Hallo", None, None),
            (b"", None, None),
        ];
        for (content, ending, family) in cases {
            let found = sniff(content);
            assert_eq!(found.family, family, "{}", String::from_utf8_lossy(content));
            if ending.is_some() {
                assert_eq!(found.kind.map(|(_, e)| e), ending);
            }
        }
    }

    proptest::proptest! {
        /// Promise 10.
        #[test]
        fn any_octets_are_answered(start in 0usize..8, rest: Vec<u8>) {
            let starts: [&[u8]; 8] = [
                b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"MZ", b"\x7fELF",
                b"\x89PNG", b"\xca\xfe\xba\xbe", b"RIFF",
            ];
            let _ = sniff(&[starts[start], &rest].concat());
        }
    }
}
