//! The keys of `[list]`, and what they are called where they can be set. Not what they may hold (`value`).

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::config::keys;

/// Something that can be set for a list.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    Post,
    Nonmembers,
    Unverified,
    Moderation,
    From,
    ReplyTo,
    AuthorAddress,
    SubjectTag,
    Footer,
    FooterSigned,
    Copies,
    Unsubscribe,
    MaxSize,
    Archive,
    Language,
    /// Not in `[list]`: `directory.shrink_guard` and `domain.shrink_guard` say it.
    ShrinkGuard,
    Arc,
    AttachmentsAllowed,
    AttachmentsForbidden,
    MaxAttachment,
    Form,
    Emergency,
    MaxLists,
    MaxRecipients,
    MaxOutside,
    PostsPerHour,
    StormReplies,
    StormMinutes,
    StormMembers,
    HoldExpires,
    DeputiesAfter,
    /// Not in `[list]`: it is one list's own.
    Expires,
}

impl Key {
    pub const ALL: [Key; 32] = [
        Key::Post,
        Key::Nonmembers,
        Key::Unverified,
        Key::Moderation,
        Key::From,
        Key::ReplyTo,
        Key::AuthorAddress,
        Key::SubjectTag,
        Key::Footer,
        Key::FooterSigned,
        Key::Copies,
        Key::Unsubscribe,
        Key::MaxSize,
        Key::Archive,
        Key::Language,
        Key::ShrinkGuard,
        Key::Arc,
        Key::AttachmentsAllowed,
        Key::AttachmentsForbidden,
        Key::MaxAttachment,
        Key::Form,
        Key::Emergency,
        Key::MaxLists,
        Key::MaxRecipients,
        Key::MaxOutside,
        Key::PostsPerHour,
        Key::StormReplies,
        Key::StormMinutes,
        Key::StormMembers,
        Key::HoldExpires,
        Key::DeputiesAfter,
        Key::Expires,
    ];

    /// As `[list]` and `listctl list set` call it.
    pub fn name(self) -> &'static str {
        match self {
            Key::Post => "post",
            Key::Nonmembers => "nonmembers",
            Key::Unverified => "unverified",
            Key::Moderation => "moderation",
            Key::From => "from",
            Key::ReplyTo => "reply_to",
            Key::AuthorAddress => "author_address",
            Key::SubjectTag => "subject_tag",
            Key::Footer => "footer",
            Key::FooterSigned => "footer_signed",
            Key::Copies => "copies",
            Key::Unsubscribe => "unsubscribe",
            Key::MaxSize => "max_size",
            Key::Archive => "archive",
            Key::Language => "language",
            Key::ShrinkGuard => "shrink_guard",
            Key::Arc => "arc",
            Key::AttachmentsAllowed => "attachments_allowed",
            Key::AttachmentsForbidden => "attachments_forbidden",
            Key::MaxAttachment => "max_attachment",
            Key::Form => "form",
            Key::Emergency => "emergency",
            Key::MaxLists => "max_lists",
            Key::MaxRecipients => "max_recipients",
            Key::MaxOutside => "max_outside",
            Key::PostsPerHour => "posts_per_hour",
            Key::StormReplies => "storm_replies",
            Key::StormMinutes => "storm_minutes",
            Key::StormMembers => "storm_members",
            Key::HoldExpires => "hold_expires",
            Key::DeputiesAfter => "deputies_after",
            Key::Expires => "expires",
        }
    }

    pub fn from_name(name: &str) -> Option<Key> {
        Key::ALL.into_iter().find(|key| key.name() == name)
    }

    /// The attribute of our own schema (`docs/ldap/verteiler.schema`).
    pub fn attribute(self) -> &'static str {
        match self {
            Key::Post => "listPost",
            Key::Nonmembers => "listNonmembers",
            Key::Unverified => "listUnverified",
            Key::Moderation => "listModeration",
            Key::From => "listFrom",
            Key::ReplyTo => "listReplyTo",
            Key::AuthorAddress => "listAuthorAddress",
            Key::SubjectTag => "listSubjectTag",
            Key::Footer => "listFooter",
            Key::FooterSigned => "listFooterSigned",
            Key::Copies => "listCopies",
            Key::Unsubscribe => "listUnsubscribe",
            Key::MaxSize => "listMaxSize",
            Key::Archive => "listArchive",
            Key::Language => "listLanguage",
            Key::ShrinkGuard => "listShrinkGuard",
            Key::Arc => "listArc",
            Key::AttachmentsAllowed => "listAttachmentsAllowed",
            Key::AttachmentsForbidden => "listAttachmentsForbidden",
            Key::MaxAttachment => "listMaxAttachment",
            Key::Form => "listForm",
            Key::Emergency => "listEmergency",
            Key::MaxLists => "listMaxLists",
            Key::MaxRecipients => "listMaxRecipients",
            Key::MaxOutside => "listMaxOutside",
            Key::PostsPerHour => "listPostsPerHour",
            Key::StormReplies => "listStormReplies",
            Key::StormMinutes => "listStormMinutes",
            Key::StormMembers => "listStormMembers",
            Key::HoldExpires => "listHoldExpires",
            Key::DeputiesAfter => "listDeputiesAfter",
            Key::Expires => "listExpires",
        }
    }

    /// What a key that is a whole number may be.
    pub fn bounds(self) -> Option<RangeInclusive<u32>> {
        Some(match self {
            Key::MaxLists | Key::StormReplies => 0..=1_000,
            Key::MaxRecipients | Key::MaxOutside | Key::PostsPerHour => 0..=10_000,
            Key::StormMinutes => 1..=1_440,
            Key::StormMembers => 0..=1_000_000,
            _ => return None,
        })
    }

    /// What may stand there, to follow the word "expected".
    pub fn expected(self) -> &'static str {
        match self {
            Key::Post => {
                "members, owners, moderators, people, anyone, nobody, or the DN of a group or a person"
            }
            Key::MaxSize => {
                "a size in B, kB, MB or GB, e.g. 25 MB, of at least 1 kB and at most 2 GB"
            }
            Key::ShrinkGuard => "a share from 0 % to 100 %, e.g. 80 %",
            Key::Expires => "a time such as 2026-12-31 or 20261231120000Z (UTC), or never",
            other => keys::find(&format!("list.{}", other.name())).map_or("", |key| key.expected),
        }
    }
}
