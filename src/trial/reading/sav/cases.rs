//! The cases of an SPSS file: as they are, compressed by bytes, or compressed by zlib as well.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::ZlibDecoder;

use super::super::bytes::Bytes;
use super::SEGMENT;
use super::dictionary::Dictionary;
use crate::error::Result;

/// The cases, one after the other.
pub(super) struct Cases<'a> {
    data: Cow<'a, [u8]>,
    at: usize,
    file: Bytes<'a>,
    is_compressed: bool,
    is_big_endian: bool,
    bias: f64,
    /// The commands that are left of eight, and how many have been taken.
    commands: [u8; SEGMENT],
    taken: usize,
}

impl<'a> Cases<'a> {
    /// The cases that begin where the dictionary ends.
    pub fn open(at: &Bytes<'a>, dictionary: &Dictionary) -> Result<Self> {
        let data = match dictionary.compression {
            2 => Cow::Owned(inflated(at)?),
            _ => Cow::Borrowed(at.rest()),
        };
        Ok(Self {
            data,
            at: 0,
            file: at.clone(),
            is_compressed: dictionary.compression > 0,
            is_big_endian: dictionary.is_big_endian,
            bias: dictionary.bias,
            commands: [0; SEGMENT],
            taken: SEGMENT,
        })
    }

    /// Reads the next case; whether there was one.
    pub fn next(&mut self, case: &mut [[u8; SEGMENT]]) -> Result<bool> {
        for place in 0..case.len() {
            let segment = if self.is_compressed { self.command() } else { self.segment() };
            match segment {
                Some(segment) => case[place] = segment,
                None if place == 0 => return Ok(false),
                None => return Err(self.file.damaged("it ends in the middle of a case")),
            }
        }
        Ok(!case.is_empty())
    }

    fn segment(&mut self) -> Option<[u8; SEGMENT]> {
        let bytes = self.data.get(self.at..self.at + SEGMENT)?;
        self.at += SEGMENT;
        bytes.try_into().ok()
    }

    /// The segment that the next command stands for; `None` at the end.
    fn command(&mut self) -> Option<[u8; SEGMENT]> {
        loop {
            if self.taken == SEGMENT {
                self.commands = self.segment()?;
                self.taken = 0;
            }
            let command = self.commands[self.taken];
            self.taken += 1;
            let number = |x: f64| if self.is_big_endian { x.to_be_bytes() } else { x.to_le_bytes() };
            match command {
                0 => {}
                252 => return None,
                253 => return self.segment(),
                254 => return Some([b' '; SEGMENT]),
                255 => return Some(number(-f64::MAX)),
                code => return Some(number(f64::from(code) - self.bias)),
            }
        }
    }
}

/// The blocks of a compressed file, put together. Deflate makes at most about a thousand bytes of one, so that a file
/// cannot grow without end.
fn inflated(at: &Bytes<'_>) -> Result<Vec<u8>> {
    let mut at = at.clone();
    at.take(8)?;
    let (trailer, _) = (at.i64()?, at.i64()?);
    at.go_to(trailer)?;
    at.take(20)?;
    let blocks = at.u32()?;
    let mut whole = vec![];
    for _ in 0..blocks {
        at.take(8)?;
        let (place, length, compressed) = (at.i64()?, at.u32()?, at.u32()?);
        let mut block = at.clone();
        block.go_to(place)?;
        let before = whole.len();
        let inflated = ZlibDecoder::new(block.take_stated(compressed)?).take(u64::from(length)).read_to_end(&mut whole);
        if inflated.is_err() || whole.len() - before != length as usize {
            return Err(at.damaged("a compressed block of its cases cannot be unpacked"));
        }
    }
    Ok(whole)
}
