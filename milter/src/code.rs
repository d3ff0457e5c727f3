//! The one-octet codes of packets: commands of the MTA, replies of the filter.
//!
//! Not here: what data a code comes with. `O` stands in both lists, for it goes both ways.

/// Declares an enum whose variants are octets, with the way there and back.
macro_rules! codes {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $octet:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$what])* $variant = $octet,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The code with this octet; `None` for one that the protocol does not have.
            pub fn from_octet(octet: u8) -> Option<$name> {
                match octet {
                    $($octet => Some($name::$variant),)*
                    _ => None,
                }
            }

            /// The octet on the wire.
            pub fn octet(self) -> u8 {
                self as u8
            }
        }
    };
}

codes! {
    /// What the MTA says to the filter (MI2).
    Command {
        /// Forget the message; the connection stays. No reply.
        Abort = b'A',
        /// A piece of the body.
        Body = b'B',
        /// Who connected.
        Connect = b'C',
        /// Macros for the command that follows. No reply.
        Macro = b'D',
        /// The body is over: modifications and the verdict are due.
        BodyEnd = b'E',
        /// HELO or EHLO.
        Helo = b'H',
        /// This SMTP connection is over, another one follows on the same socket. No reply.
        QuitNewConnection = b'K',
        /// One header field.
        Header = b'L',
        /// MAIL FROM.
        Mail = b'M',
        /// The header is over.
        HeaderEnd = b'N',
        /// Offer of version, actions and protocol.
        Negotiate = b'O',
        /// Close. No reply.
        Quit = b'Q',
        /// RCPT TO.
        Rcpt = b'R',
        /// DATA (since version 4).
        Data = b'T',
        /// A command that the MTA does not know (since version 3).
        Unknown = b'U',
    }
}

codes! {
    /// What the filter answers (MI2).
    Reply {
        AddRecipient = b'+',
        DeleteRecipient = b'-',
        /// With ESMTP arguments.
        AddRecipientWithArguments = b'2',
        /// 421 and close.
        Shutdown = b'4',
        Accept = b'a',
        ReplaceBody = b'b',
        Continue = b'c',
        /// Accept and throw away.
        Discard = b'd',
        ChangeSender = b'e',
        ConnectionFail = b'f',
        AddHeader = b'h',
        InsertHeader = b'i',
        SetMacroList = b'l',
        ChangeHeader = b'm',
        /// Still at work: the timer starts anew.
        Progress = b'p',
        Quarantine = b'q',
        Reject = b'r',
        /// No more body, please.
        Skip = b's',
        TempFail = b't',
        /// A reply code with its text.
        ReplyCode = b'y',
        Negotiate = b'O',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MI2: the codes are those of the protocol, each once, there and back.
    #[test]
    fn mi2_codes() {
        let commands: Vec<u8> = Command::ALL.iter().map(|code| code.octet()).collect();
        assert_eq!(commands, b"ABCDEHKLMNOQRTU");
        let replies: Vec<u8> = Reply::ALL.iter().map(|code| code.octet()).collect();
        assert_eq!(replies, b"+-24abcdefhilmpqrstyO");
        for octet in 0..=255 {
            let command = Command::from_octet(octet).map(Command::octet);
            assert_eq!(command, commands.contains(&octet).then_some(octet));
            let reply = Reply::from_octet(octet).map(Reply::octet);
            assert_eq!(reply, replies.contains(&octet).then_some(octet));
        }
    }
}
