//! SHA-256 of a file while it is read.

use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// The SHA-256 of `bytes` in hexadecimal digits.
#[cfg(any(feature = "formats", feature = "parquet", test))]
pub(super) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hands bytes on and takes their digest.
#[derive(Debug)]
pub(super) struct Digested<R> {
    inner: R,
    digest: Sha256,
}

impl<R: Read> Digested<R> {
    pub fn new(inner: R) -> Self {
        Self { inner, digest: Sha256::new() }
    }

    /// The digest of everything, what is not read yet included.
    pub fn finish(mut self) -> io::Result<String> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(hexadecimal(&self.digest.finalize()))
    }
}

impl<R: Read> Read for Digested<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(to)?;
        self.digest.update(&to[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of FIPS 180-4.
    #[test]
    fn the_digest_is_that_of_the_standard() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let text = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        let mut reader = Digested::new(text.as_bytes());
        reader.read_exact(&mut [0; 10]).expect("there are as many");
        assert_eq!(reader.finish().expect("it is in memory"), sha256(text.as_bytes()));
        assert_eq!(sha256(text.as_bytes()), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    }
}
