//! Octets inside a packet: texts that end with NUL, numbers that begin with the highest octet.

use super::PacketError;

/// Reads the data of one packet, front to back.
pub(crate) struct Reader<'a> {
    code: u8,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(code: u8, rest: &'a [u8]) -> Reader<'a> {
        Reader { code, rest }
    }

    pub(crate) fn malformed(&self) -> PacketError {
        PacketError::Malformed(char::from(self.code))
    }

    /// A text up to its NUL, which is taken as well.
    pub(crate) fn text(&mut self) -> Result<Vec<u8>, PacketError> {
        let end = self.rest.iter().position(|octet| *octet == 0).ok_or(self.malformed())?;
        let text = self.rest.get(..end).unwrap_or_default().to_vec();
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        Ok(text)
    }

    /// All texts up to the end of the packet.
    pub(crate) fn texts(&mut self) -> Result<Vec<Vec<u8>>, PacketError> {
        let mut texts = Vec::new();
        while !self.is_empty() {
            texts.push(self.text()?);
        }
        Ok(texts)
    }

    pub(crate) fn octet(&mut self) -> Result<u8, PacketError> {
        let (octet, rest) = self.rest.split_first().ok_or(self.malformed())?;
        self.rest = rest;
        Ok(*octet)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, PacketError> {
        let (octets, rest) = self.rest.split_first_chunk().ok_or(self.malformed())?;
        self.rest = rest;
        Ok(u16::from_be_bytes(*octets))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, PacketError> {
        let (octets, rest) = self.rest.split_first_chunk().ok_or(self.malformed())?;
        self.rest = rest;
        Ok(u32::from_be_bytes(*octets))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Nothing more may stand in the packet.
    pub(crate) fn end(&self) -> Result<(), PacketError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed()) }
    }
}

/// Appends a text and its NUL.
pub(crate) fn put(text: &[u8], out: &mut Vec<u8>) -> Result<(), PacketError> {
    if text.contains(&0) {
        return Err(PacketError::Nul);
    }
    out.extend_from_slice(text);
    out.push(0);
    Ok(())
}
