//! Text of any usual encoding as UTF-8.

use std::io::{self, Cursor, Read};

use super::formats;
use super::unreadable;
use crate::error::{Error, Result};

/// How much of a file is looked at before it is read.
const BEGINNING: usize = 1 << 16;

/// How a text file is written, as far as its beginning tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8, or an encoding of one byte per character.
    Bytes,
    /// UTF-16, the low byte first.
    Utf16Le,
    /// UTF-16, the high byte first.
    Utf16Be,
}

/// A text with its beginning known, read as UTF-8 where its encoding is UTF-16 and as it is otherwise.
#[derive(Debug)]
pub(super) struct Text<R> {
    /// The first bytes, as they will be read.
    pub beginning: Vec<u8>,
    /// How it is written.
    pub encoding: Encoding,
    inner: io::Chain<Cursor<Vec<u8>>, R>,
    decoder: Utf16,
    /// Decoded bytes that are not handed out yet, and how many of them are.
    ready: Vec<u8>,
    taken: usize,
}

/// What is left between two pieces of UTF-16.
#[derive(Debug, Default)]
struct Utf16 {
    byte: Option<u8>,
    high: Option<u16>,
}

impl<R: Read> Text<R> {
    /// Looks at the beginning.
    ///
    /// # Errors
    /// [`Error::FileFormat`] for what is no text, [`Error::File`] where it cannot be read.
    pub fn open(source: &str, mut text: R) -> Result<Self> {
        let mut beginning = vec![];
        text.by_ref().take(BEGINNING as u64).read_to_end(&mut beginning).map_err(|error| unreadable(source, error))?;
        if let Some(refused) = formats::refused(source, &beginning) {
            return Err(refused);
        }
        let encoding = encoding_of(&beginning);
        if encoding == Encoding::Bytes && beginning.contains(&0) {
            let remedy = "check that this is the file that was meant, and save its table as CSV";
            return Err(Error::FileFormat { file: source.into(), format: "a file of a binary format that is not recognised", remedy });
        }
        let decoded = match encoding {
            Encoding::Bytes => beginning.clone(),
            _ => {
                // Half a character may be left at the end of the beginning; what is wrong there is told when it is read.
                let mut decoded = vec![];
                let _ = Utf16::default().decode(&beginning, encoding, &mut decoded);
                decoded
            }
        };
        let inner = Cursor::new(beginning).chain(text);
        Ok(Self { beginning: decoded, encoding, inner, decoder: Utf16::default(), ready: vec![], taken: 0 })
    }
}

/// By the byte-order mark, else by where the zeros of Latin letters are.
fn encoding_of(beginning: &[u8]) -> Encoding {
    match beginning {
        [0xff, 0xfe, ..] => return Encoding::Utf16Le,
        [0xfe, 0xff, ..] => return Encoding::Utf16Be,
        _ => {}
    }
    let pairs = beginning.len() / 2;
    let zeros = |offset: usize| beginning.iter().skip(offset).step_by(2).filter(|&&b| b == 0).count();
    match (zeros(0), zeros(1)) {
        _ if pairs < 2 => Encoding::Bytes,
        (0, odd) if odd * 2 > pairs => Encoding::Utf16Le,
        (even, 0) if even * 2 > pairs => Encoding::Utf16Be,
        _ => Encoding::Bytes,
    }
}

impl Utf16 {
    /// Appends the text of some more bytes to `to`.
    fn decode(&mut self, bytes: &[u8], encoding: Encoding, to: &mut Vec<u8>) -> io::Result<()> {
        for &byte in bytes {
            let Some(first) = self.byte.take() else {
                self.byte = Some(byte);
                continue;
            };
            let unit = if encoding == Encoding::Utf16Be { u16::from_be_bytes([first, byte]) } else { u16::from_le_bytes([first, byte]) };
            let pair = [self.high.take(), Some(unit)];
            if pair[0].is_none() && (0xd800..0xdc00).contains(&unit) {
                self.high = Some(unit);
                continue;
            }
            for character in char::decode_utf16(pair.into_iter().flatten()) {
                let character = character.map_err(|_| damaged())?;
                to.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        Ok(())
    }

    /// Whether nothing is left.
    fn is_whole(&self) -> bool {
        self.byte.is_none() && self.high.is_none()
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the text is damaged UTF-16; save it again, best as UTF-8")
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.encoding == Encoding::Bytes || to.is_empty() {
            return self.inner.read(to);
        }
        while self.taken == self.ready.len() {
            let mut bytes = [0; 8192];
            let length = self.inner.read(&mut bytes)?;
            if length == 0 {
                return if self.decoder.is_whole() { Ok(0) } else { Err(damaged()) };
            }
            self.ready.clear();
            self.taken = 0;
            self.decoder.decode(&bytes[..length], self.encoding, &mut self.ready)?;
        }
        let given = to.len().min(self.ready.len() - self.taken);
        to[..given].copy_from_slice(&self.ready[self.taken..self.taken + given]);
        self.taken += given;
        Ok(given)
    }
}

/// The characters of Windows-1252 from 0x80 to 0x9f; those that it leaves undefined are missing.
const WINDOWS_1252: [Option<char>; 32] = [
    Some('€'),
    None,
    Some('‚'),
    Some('ƒ'),
    Some('„'),
    Some('…'),
    Some('†'),
    Some('‡'),
    Some('ˆ'),
    Some('‰'),
    Some('Š'),
    Some('‹'),
    Some('Œ'),
    None,
    Some('Ž'),
    None,
    None,
    Some('‘'),
    Some('’'),
    Some('“'),
    Some('”'),
    Some('•'),
    Some('–'),
    Some('—'),
    Some('˜'),
    Some('™'),
    Some('š'),
    Some('›'),
    Some('œ'),
    None,
    Some('ž'),
    Some('Ÿ'),
];

/// Bytes as text of Windows-1252, the encoding of Western European systems before UTF-8; none where it has no such
/// character.
pub(super) fn windows_1252(bytes: &[u8]) -> Option<String> {
    let character = |&byte: &u8| match byte {
        0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
        _ => Some(char::from(byte)),
    };
    bytes.iter().map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    #[test]
    fn utf16_is_read_in_either_order_with_and_without_mark() {
        let text = "\u{feff}id,naïve,𝛼\nA,1,2\n".repeat(3000);
        for (big, skip) in [(false, 0), (true, 0), (false, 2), (true, 2)] {
            let bytes = &utf16(&text, big)[skip..];
            let mut read = String::new();
            Text::open("t", bytes).unwrap().read_to_string(&mut read).unwrap();
            assert_eq!(read, text[if skip == 0 { 0 } else { '\u{feff}'.len_utf8() }..]);
        }
        let half = &utf16("\u{feff}abc", false)[..7];
        assert!(Text::open("t", half).unwrap().read_to_string(&mut String::new()).is_err());
    }

    #[test]
    fn one_byte_per_character_is_windows() {
        assert_eq!(windows_1252(b"M\xfcller \x80").as_deref(), Some("Müller €"));
        assert_eq!(windows_1252(b"\x81"), None);
    }
}
