//! The bytes of a binary file, read one after the other; what ends too early is a damaged file.

use crate::error::{Error, Result};

/// A place in a binary file.
#[derive(Debug, Clone)]
pub(super) struct Bytes<'a> {
    data: &'a [u8],
    at: usize,
    is_big_endian: bool,
    /// What errors call the file.
    source: &'a str,
    /// What it is, `SPSS data file`.
    format: &'static str,
}

macro_rules! numbers {
    ($($name:ident: $type:ty),+) => {
        $(
            #[doc = concat!("The next number, of type `", stringify!($type), "`.")]
            pub fn $name(&mut self) -> Result<$type> {
                let bytes = self.array()?;
                Ok(if self.is_big_endian { <$type>::from_be_bytes(bytes) } else { <$type>::from_le_bytes(bytes) })
            }
        )+
    };
}

impl<'a> Bytes<'a> {
    pub fn new(source: &'a str, format: &'static str, data: &'a [u8]) -> Self {
        Self { data, at: 0, is_big_endian: false, source, format }
    }

    /// The same with numbers whose high byte comes first.
    pub fn big_endian(self, is_big_endian: bool) -> Self {
        Self { is_big_endian, ..self }
    }

    numbers!(u16: u16, i16: i16, u32: u32, i32: i32, i64: i64, f64: f64);

    /// The next byte.
    pub fn u8(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| self.truncated())
    }

    /// The next so many bytes.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(length).filter(|&end| end <= self.data.len()).ok_or_else(|| self.truncated())?;
        let taken = &self.data[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// The next so many bytes, `length` being what the file states.
    pub fn take_stated(&mut self, length: impl TryInto<usize>) -> Result<&'a [u8]> {
        let length = length.try_into().map_err(|_| self.damaged("a length in it is negative"))?;
        self.take(length)
    }

    /// The next so many bytes, to be read by themselves.
    pub fn within(&mut self, length: impl TryInto<usize>) -> Result<Self> {
        let data = self.take_stated(length)?;
        Ok(Self { data, at: 0, ..self.clone() })
    }

    /// Whether the high byte of a number comes first.
    pub fn is_big_endian(&self) -> bool {
        self.is_big_endian
    }

    /// Goes to a place from the beginning.
    pub fn go_to(&mut self, at: impl TryInto<usize>) -> Result<()> {
        self.at = at.try_into().ok().filter(|&at| at <= self.data.len()).ok_or_else(|| self.truncated())?;
        Ok(())
    }

    /// The place from the beginning.
    pub fn position(&self) -> usize {
        self.at
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        &self.data[self.at..]
    }

    fn truncated(&self) -> Error {
        self.damaged(format!("it ends before what its own header announces, at byte {}", self.data.len()))
    }

    /// The error for a file that is not what it should be.
    pub fn damaged(&self, why: impl Into<String>) -> Error {
        damaged(self.source, self.format, why)
    }
}

/// The error for a file of a `format` that is not what it should be.
pub(super) fn damaged(source: &str, format: &str, why: impl Into<String>) -> Error {
    let remedy = "get an undamaged copy; if its own program opens it, save it from there once more, or save it as CSV";
    Error::damaged(format!("reading {source}, {format}"), why, remedy)
}
