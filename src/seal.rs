//! Files that several parties exchange say what they are, in which version, and whether anybody has changed them since.

use crate::error::{Error, Result};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::io::{self, Write};

/// The SHA-256 of a value, as 64 hexadecimal digits: that of its JSON without white space, in which every number has the
/// digits that give the same double back.
///
/// # Errors
/// What serde says of a value that JSON cannot hold.
pub(crate) fn fingerprint(value: &impl Serialize) -> serde_json::Result<String> {
    let mut digest = Sha256::new();
    serde_json::to_writer(io::BufWriter::new(Digesting(&mut digest)), value)?;
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Refuses a file of another kind or version, and one that was changed after it was written.
///
/// # Errors
/// [`Error::Invalid`].
pub(crate) fn check(what: &str, schema: &str, expected: &str, sha256: &str, content: &impl Serialize) -> Result<()> {
    if schema != expected {
        return Err(Error::not_built(
            format!("reading {what} of the schema `{}`", crate::error::shown(schema)),
            format!("this version of trialstats reads `{expected}`"),
            "read the file with the version that wrote it, or have it written again",
        ));
    }
    match fingerprint(content) {
        Ok(own) if own == sha256 => Ok(()),
        _ => Err(damaged(what, "its content is not what its `sha256` was made of: it was changed after it was written")),
    }
}

/// A file that contradicts itself.
pub(crate) fn damaged(what: &str, why: impl Into<String>) -> Error {
    Error::damaged(format!("reading {what}"), why, "check that the file is undamaged, or have it written again")
}

/// Writes into a digest.
struct Digesting<'d>(&'d mut Sha256);

impl Write for Digesting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_sha_256_of_the_json() {
        // printf '[[1,2],"x"]' | sha256sum
        assert_eq!(fingerprint(&((1, 2), "x")).unwrap(), "b83dc977fb3d21fa307a75115c566207dadd399035931f99d7cf6c6cce540d6a");
        assert_ne!(fingerprint(&0.1).unwrap(), fingerprint(&0.1_f64.next_up()).unwrap());
    }

    #[test]
    fn another_version_and_another_content_are_refused() {
        let sha256 = fingerprint(&[1.5]).unwrap();
        assert!(check("sums", "a/1", "a/1", &sha256, &[1.5]).is_ok());
        assert_eq!(check("sums", "a/2", "a/1", &sha256, &[1.5]).unwrap_err().code(), "not-available");
        assert_eq!(check("sums", "a/1", "a/1", &sha256, &[1.6]).unwrap_err().code(), "damaged-file");
    }
}
