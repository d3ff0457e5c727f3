//! What the filter answers.

use super::PacketError;
use super::wire::{Reader, put};
use crate::code;
use crate::frame::Frame;
use crate::header::Field;
use crate::negotiate::Choice;
use crate::reply_code::ReplyCode;

/// One reply with its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Negotiate(Choice),
    Continue,
    Accept,
    Reject,
    TempFail,
    Discard,
    /// No more body, please.
    Skip,
    /// Still at work.
    Progress,
    /// An answer in the filter's own words.
    Code(ReplyCode),
    /// The connection to the SMTP client is to fail.
    ConnectionFail,
    /// 421 to the SMTP client.
    Shutdown,
    Modify(Modification),
}

/// One change that the filter wants, between the end of the body and the verdict (MI11).
///
/// Header values stand as on the wire in packets, and as in the mail (all after the colon) everywhere else:
/// [`crate::header`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Modification {
    /// At the end of the header.
    AddHeader(Field),
    /// So that it is the field with this index, counted from 0; at the end where there are fewer.
    InsertHeader {
        index: u32,
        field: Field,
    },
    /// The field of this name with this index, counted from 1 among those of the name. An empty value
    /// deletes it; where there are fewer, it is added at the end.
    ChangeHeader {
        index: u32,
        field: Field,
    },
    /// The new body, or the next piece of it.
    ReplaceBody(Vec<u8>),
    /// In angle brackets, with ESMTP arguments or without.
    AddRecipient {
        address: Vec<u8>,
        arguments: Vec<Vec<u8>>,
    },
    DeleteRecipient(Vec<u8>),
    ChangeSender {
        address: Vec<u8>,
        arguments: Vec<Vec<u8>>,
    },
    /// Hold the mail, for this reason.
    Quarantine(Vec<u8>),
}

impl Modification {
    /// The same with its header field changed, if it has one.
    pub(crate) fn map_field(self, change: impl FnOnce(Field) -> Field) -> Modification {
        match self {
            Modification::AddHeader(field) => Modification::AddHeader(change(field)),
            Modification::InsertHeader { index, field } => {
                Modification::InsertHeader { index, field: change(field) }
            }
            Modification::ChangeHeader { index, field } => {
                Modification::ChangeHeader { index, field: change(field) }
            }
            other => other,
        }
    }

    pub(crate) fn code(&self) -> code::Reply {
        match self {
            Modification::AddHeader(_) => code::Reply::AddHeader,
            Modification::InsertHeader { .. } => code::Reply::InsertHeader,
            Modification::ChangeHeader { .. } => code::Reply::ChangeHeader,
            Modification::ReplaceBody(_) => code::Reply::ReplaceBody,
            Modification::AddRecipient { arguments, .. } if arguments.is_empty() => {
                code::Reply::AddRecipient
            }
            Modification::AddRecipient { .. } => code::Reply::AddRecipientWithArguments,
            Modification::DeleteRecipient(_) => code::Reply::DeleteRecipient,
            Modification::ChangeSender { .. } => code::Reply::ChangeSender,
            Modification::Quarantine(_) => code::Reply::Quarantine,
        }
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), PacketError> {
        match self {
            Modification::AddHeader(field) => put_field(field, out),
            Modification::InsertHeader { index, field }
            | Modification::ChangeHeader { index, field } => {
                out.extend_from_slice(&index.to_be_bytes());
                put_field(field, out)
            }
            Modification::ReplaceBody(piece) => {
                out.extend_from_slice(piece);
                Ok(())
            }
            Modification::AddRecipient { address, arguments }
            | Modification::ChangeSender { address, arguments } => {
                put(address, out)?;
                arguments.iter().try_for_each(|argument| put(argument, out))
            }
            Modification::DeleteRecipient(text) | Modification::Quarantine(text) => put(text, out),
        }
    }
}

impl Reply {
    /// The code it stands under.
    pub fn code(&self) -> code::Reply {
        match self {
            Reply::Negotiate(_) => code::Reply::Negotiate,
            Reply::Continue => code::Reply::Continue,
            Reply::Accept => code::Reply::Accept,
            Reply::Reject => code::Reply::Reject,
            Reply::TempFail => code::Reply::TempFail,
            Reply::Discard => code::Reply::Discard,
            Reply::Skip => code::Reply::Skip,
            Reply::Progress => code::Reply::Progress,
            Reply::Code(_) => code::Reply::ReplyCode,
            Reply::ConnectionFail => code::Reply::ConnectionFail,
            Reply::Shutdown => code::Reply::Shutdown,
            Reply::Modify(modification) => modification.code(),
        }
    }

    /// Reads a packet.
    pub fn decode(frame: Frame) -> Result<Reply, PacketError> {
        let code = code::Reply::from_octet(frame.code);
        let code = code.ok_or(PacketError::UnknownCode(frame.code))?;
        if code == code::Reply::ReplaceBody {
            return Ok(Reply::Modify(Modification::ReplaceBody(frame.data)));
        }
        let mut data = Reader::new(frame.code, &frame.data);
        let reply = match code {
            code::Reply::Negotiate => Reply::Negotiate(Choice::read(&mut data)?),
            code::Reply::Continue => Reply::Continue,
            code::Reply::Accept => Reply::Accept,
            code::Reply::Reject => Reply::Reject,
            code::Reply::TempFail => Reply::TempFail,
            code::Reply::Discard => Reply::Discard,
            code::Reply::Skip => Reply::Skip,
            code::Reply::Progress => Reply::Progress,
            code::Reply::ConnectionFail => Reply::ConnectionFail,
            code::Reply::Shutdown => Reply::Shutdown,
            code::Reply::ReplyCode => Reply::Code(ReplyCode::parse(&data.text()?)?),
            // Macro lists come inside the answer to the offer, never alone.
            code::Reply::SetMacroList => return Err(data.malformed()),
            _ => Reply::Modify(modification(code, &mut data)?),
        };
        data.end()?;
        Ok(reply)
    }

    /// The packet.
    pub fn encode(&self) -> Result<Frame, PacketError> {
        let mut data = Vec::new();
        match self {
            Reply::Negotiate(choice) => choice.write(&mut data)?,
            Reply::Code(code) => put(&code.wire(), &mut data)?,
            Reply::Modify(modification) => modification.write(&mut data)?,
            _ => {}
        }
        Ok(Frame::new(self.code().octet(), data))
    }
}

fn modification(code: code::Reply, data: &mut Reader<'_>) -> Result<Modification, PacketError> {
    Ok(match code {
        code::Reply::AddHeader => Modification::AddHeader(field(data)?),
        code::Reply::InsertHeader => {
            Modification::InsertHeader { index: data.u32()?, field: field(data)? }
        }
        code::Reply::ChangeHeader => {
            Modification::ChangeHeader { index: data.u32()?, field: field(data)? }
        }
        code::Reply::AddRecipient => {
            Modification::AddRecipient { address: data.text()?, arguments: Vec::new() }
        }
        code::Reply::AddRecipientWithArguments => {
            Modification::AddRecipient { address: data.text()?, arguments: data.texts()? }
        }
        code::Reply::DeleteRecipient => Modification::DeleteRecipient(data.text()?),
        code::Reply::ChangeSender => {
            Modification::ChangeSender { address: data.text()?, arguments: data.texts()? }
        }
        code::Reply::Quarantine => Modification::Quarantine(data.text()?),
        _ => return Err(data.malformed()),
    })
}

fn field(data: &mut Reader<'_>) -> Result<Field, PacketError> {
    Ok(Field { name: data.text()?, value: data.text()? })
}

fn put_field(field: &Field, out: &mut Vec<u8>) -> Result<(), PacketError> {
    put(&field.name, out)?;
    put(&field.value, out)
}
