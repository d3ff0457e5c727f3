//! Which steps can go without a reply, and which can be left out (MI6): written out here once more, so that a bit that
//! the crate forgets or takes for another is found.
#![allow(dead_code)] // each test file uses its own part

use milter::negotiate::Protocol;

/// Without a reply.
pub const SILENT: [Protocol; 9] = [
    Protocol::SILENT_CONNECT,
    Protocol::SILENT_HELO,
    Protocol::SILENT_MAIL,
    Protocol::SILENT_RCPT,
    Protocol::SILENT_DATA,
    Protocol::SILENT_UNKNOWN,
    Protocol::SILENT_HEADER,
    Protocol::SILENT_HEADER_END,
    Protocol::SILENT_BODY,
];

/// Not said at all.
pub const LEFT_OUT: [Protocol; 9] = [
    Protocol::NO_CONNECT,
    Protocol::NO_HELO,
    Protocol::NO_MAIL,
    Protocol::NO_RCPT,
    Protocol::NO_DATA,
    Protocol::NO_UNKNOWN,
    Protocol::NO_HEADERS,
    Protocol::NO_HEADER_END,
    Protocol::NO_BODY,
];
