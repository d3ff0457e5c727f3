//! Packets: a length, a code, data (MI1).
//!
//! Not here: what the code and the data mean.

/// The longest packet, code included. The protocol's own limit is 64 KiB of data; some MTAs were
/// built for 1 MiB.
pub const MAX_LENGTH: usize = 1 << 20;
const LENGTH_OCTETS: usize = 4;

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// A [`Command`](crate::code::Command) or a [`Reply`](crate::code::Reply), or neither.
    pub code: u8,
    pub data: Vec<u8>,
}

/// Why no packet can be made or read. A stream that gave one is out of step: close it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a milter packet of length 0, which has not even a code")]
    Empty,
    #[error("a milter packet of {0} octets, more than the {MAX_LENGTH} that are taken")]
    TooLong(usize),
}

impl Frame {
    pub fn new(code: u8, data: impl Into<Vec<u8>>) -> Frame {
        Frame { code, data: data.into() }
    }

    /// Appends the wire form.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        encode(self.code, &self.data, out)
    }
}

/// Appends the wire form of a packet; nothing where it is too long.
pub fn encode(code: u8, data: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    let length = data.len().saturating_add(1);
    let field = u32::try_from(length).ok().filter(|_| length <= MAX_LENGTH);
    let field = field.ok_or(FrameError::TooLong(length))?;
    out.extend_from_slice(&field.to_be_bytes());
    out.push(code);
    out.extend_from_slice(data);
    Ok(())
}

/// Reads packets from a stream that may be split anywhere. Holds at most one packet.
#[derive(Debug, Default)]
pub struct Decoder {
    /// What has come of the length field and the packet behind it.
    held: Vec<u8>,
    broken: Option<FrameError>,
}

impl Decoder {
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Takes octets off `input` up to the end of one packet.
    ///
    /// `None`: the input is used up before it. Call again until then, several packets may stand in
    /// one input. After an error each call gives that error.
    pub fn feed(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, FrameError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        self.take(input, LENGTH_OCTETS);
        let Some((field, _)) = self.held.split_first_chunk::<LENGTH_OCTETS>() else {
            return Ok(None);
        };
        // A length that no usize holds is over the limit as well.
        let length = usize::try_from(u32::from_be_bytes(*field)).unwrap_or(usize::MAX);
        if let Err(error) = check(length) {
            self.broken = Some(error);
            return Err(error);
        }
        self.take(input, LENGTH_OCTETS + length);
        if self.held.len() < LENGTH_OCTETS + length {
            return Ok(None);
        }
        let frame = match self.held.get(LENGTH_OCTETS..).and_then(<[u8]>::split_first) {
            Some((code, data)) => Frame::new(*code, data),
            None => return Ok(None),
        };
        self.held.clear();
        self.held.shrink_to(MAX_IDLE);
        Ok(Some(frame))
    }

    /// Is a packet begun and not ended? Then the end of the stream cuts it.
    pub fn is_inside(&self) -> bool {
        !self.held.is_empty()
    }

    /// Moves octets until `total` are held or the input is used up.
    fn take(&mut self, input: &mut &[u8], total: usize) {
        let missing = total.saturating_sub(self.held.len()).min(input.len());
        let (part, rest) = input.split_at_checked(missing).unwrap_or((input, &[]));
        self.held.extend_from_slice(part);
        *input = rest;
    }
}

/// Memory kept between packets: enough for most, and no large body piece on an idle connection.
const MAX_IDLE: usize = 4096;

fn check(length: usize) -> Result<(), FrameError> {
    match length {
        0 => Err(FrameError::Empty),
        1..=MAX_LENGTH => Ok(()),
        _ => Err(FrameError::TooLong(length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Decodes a stream that comes in the given pieces.
    fn decode(pieces: &[&[u8]]) -> (Vec<Frame>, Result<bool, FrameError>) {
        let (mut decoder, mut frames) = (Decoder::new(), Vec::new());
        for piece in pieces {
            let mut input = *piece;
            loop {
                match decoder.feed(&mut input) {
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => break,
                    Err(error) => return (frames, Err(error)),
                }
            }
            assert!(input.is_empty());
        }
        (frames, Ok(decoder.is_inside()))
    }

    /// MI1: the wire, the packets in it, and whether it ends inside one or in an error.
    #[test]
    fn mi1_table() {
        let quit = || Frame::new(b'Q', []);
        let offer = Frame::new(b'O', *b"\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff");
        type Case<'a> = (&'a [u8], Vec<Frame>, Result<bool, FrameError>);
        let cases: Vec<Case<'_>> = vec![
            (b"", vec![], Ok(false)),
            (b"\0\0\0\x01Q", vec![quit()], Ok(false)),
            (b"\0\0\0\x01Q\0\0\0\x01Q", vec![quit(), quit()], Ok(false)),
            (b"\0\0\0\x06Hmx.a\0", vec![Frame::new(b'H', *b"mx.a\0")], Ok(false)),
            (b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff", vec![offer], Ok(false)),
            (b"\0\0\0\x01\xff", vec![Frame::new(0xff, [])], Ok(false)),
            (b"\0", vec![], Ok(true)),
            (b"\0\0\0\x02B", vec![], Ok(true)),
            (b"\0\0\0\x01Q\0\0", vec![quit()], Ok(true)),
            (b"\0\0\0\0", vec![], Err(FrameError::Empty)),
            (b"\0\0\0\x01Q\0\0\0\0Q", vec![quit()], Err(FrameError::Empty)),
            (b"\0\x10\0\x01B", vec![], Err(FrameError::TooLong(MAX_LENGTH + 1))),
            (b"\xff\xff\xff\xff", vec![], Err(FrameError::TooLong(u32::MAX as usize))),
            (b"EHLO mx.example\r\n", vec![], Err(FrameError::TooLong(0x4548_4c4f))),
        ];
        for (wire, frames, end) in cases {
            let expect = (frames, end);
            for at in 0..=wire.len() {
                assert_eq!(decode(&[&wire[..at], &wire[at..]]), expect, "{wire:?} at {at}");
            }
            assert_eq!(decode(&wire.chunks(1).collect::<Vec<_>>()), expect, "{wire:?}");
        }
    }

    /// MI1: exactly 1 MiB goes through both ways, one octet more neither way.
    #[test]
    fn mi1_limit() {
        let mut wire = Vec::new();
        let largest = Frame::new(b'B', vec![b'x'; MAX_LENGTH - 1]);
        largest.encode(&mut wire).unwrap();
        assert_eq!(decode(&[&wire]), (vec![largest], Ok(false)));
        let before = wire.clone();
        let error = encode(b'B', &vec![b'x'; MAX_LENGTH], &mut wire);
        assert_eq!((error, wire), (Err(FrameError::TooLong(MAX_LENGTH + 1)), before));
    }

    /// MI1: an error stays; a length alone costs no memory.
    #[test]
    fn mi1_errors_stay() {
        let mut decoder = Decoder::new();
        assert_eq!(decoder.feed(&mut &b"\0\0\0\0"[..]), Err(FrameError::Empty));
        assert_eq!(decoder.feed(&mut &b"\0\0\0\x01Q"[..]), Err(FrameError::Empty));
        let mut decoder = Decoder::new();
        assert_eq!(decoder.feed(&mut &b"\0\x10\0\0B"[..]), Ok(None));
        assert!(decoder.held.capacity() < 100);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// MI1: any packets, joined and split anywhere, come out as they went in.
        #[test]
        fn mi1_round_trip(
            packets in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..300)), 0..8),
            size in 1_usize..400,
        ) {
            let frames: Vec<Frame> = packets.into_iter().map(|(code, data)| Frame::new(code, data)).collect();
            let mut wire = Vec::new();
            for frame in &frames {
                frame.encode(&mut wire).unwrap();
            }
            prop_assert_eq!(decode(&wire.chunks(size).collect::<Vec<_>>()), (frames, Ok(false)));
        }

        /// MI1: random octets give the same in any split, never a panic, and never hold more than a packet.
        #[test]
        fn mi1_random_octets(
            wire in prop::collection::vec(prop_oneof![3 => Just(0_u8), 2 => 0_u8..8, 1 => any::<u8>()], 0..300),
            size in 1_usize..40,
        ) {
            let whole = decode(&[&wire]);
            prop_assert_eq!(decode(&wire.chunks(size).collect::<Vec<_>>()), whole);
        }
    }
}
