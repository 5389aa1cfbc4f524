//! Line ends as one byte each, so that lines can be counted whatever system wrote the file.

use std::io::{self, Read};

/// Reads `\r\n` and `\r` as `\n`, and ends the last line where the file does not.
#[derive(Debug)]
pub(super) struct UnixLines<R> {
    inner: R,
    last: u8,
    after_carriage_return: bool,
}

impl<R: Read> UnixLines<R> {
    pub fn new(inner: R) -> Self {
        Self { inner, last: b'\n', after_carriage_return: false }
    }

    /// Rewrites the first `length` bytes in place; how many are left.
    fn rewrite(&mut self, bytes: &mut [u8], length: usize) -> usize {
        if !self.after_carriage_return && !bytes[..length].contains(&b'\r') {
            return length;
        }
        let mut kept = 0;
        for i in 0..length {
            let byte = bytes[i];
            if !(byte == b'\n' && self.after_carriage_return) {
                bytes[kept] = if byte == b'\r' { b'\n' } else { byte };
                kept += 1;
            }
            self.after_carriage_return = byte == b'\r';
        }
        kept
    }
}

impl<R: Read> Read for UnixLines<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        loop {
            let length = self.inner.read(bytes)?;
            if length == 0 {
                let unfinished = std::mem::replace(&mut self.last, b'\n') != b'\n';
                bytes[0] = b'\n';
                return Ok(usize::from(unfinished));
            }
            let kept = self.rewrite(bytes, length);
            if kept > 0 {
                self.last = bytes[kept - 1];
                return Ok(kept);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out one byte at a time, so that every boundary is met.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            let n = self.0.len().min(1);
            bytes[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    #[test]
    fn every_line_end_becomes_one_byte() {
        for text in ["a\r\nb\rc\n\r\n\nd", "a\nb\nc\n\n\nd\n"] {
            let (mut whole, mut drops) = (String::new(), String::new());
            UnixLines::new(text.as_bytes()).read_to_string(&mut whole).unwrap();
            UnixLines::new(Drops(text.as_bytes())).read_to_string(&mut drops).unwrap();
            assert_eq!(whole, "a\nb\nc\n\n\nd\n");
            assert_eq!(drops, whole);
        }
    }
}
