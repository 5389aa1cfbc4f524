//! ZIP archives as word processors read them: deflated, without dates, so that the same content is the same bytes.
//!
//! The crate zip would bring 15 crates for what is 40 lines here; deflation is miniz_oxide's, as for PNG and PDF.

use miniz_oxide::deflate::compress_to_vec;

/// An archive being filled.
#[derive(Default)]
pub(super) struct Archive {
    files: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

impl Archive {
    /// Adds a file.
    pub fn add(&mut self, name: &str, content: &[u8]) {
        let packed = compress_to_vec(content, 6);
        let offset = self.files.len() as u32;
        // Version 2.0, names in UTF-8, deflated, 1 January 1980.
        let mut common = vec![];
        for field in [20_u16, 0x0800, 8, 0, 0x0021] {
            common.extend(field.to_le_bytes());
        }
        for field in [crc32(content), packed.len() as u32, content.len() as u32] {
            common.extend(field.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        self.files.extend(b"PK\x03\x04");
        self.files.extend(&common);
        self.files.extend(name.as_bytes());
        self.files.extend(packed);
        self.directory.extend(b"PK\x01\x02\x14\x00");
        self.directory.extend(common);
        // No comment, first disk, no attributes.
        self.directory.extend([0; 10]);
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.count += 1;
    }

    /// The whole archive.
    pub fn finish(mut self) -> Vec<u8> {
        let (offset, size) = (self.files.len() as u32, self.directory.len() as u32);
        self.files.extend(self.directory);
        self.files.extend(b"PK\x05\x06\0\0\0\0");
        self.files.extend(self.count.to_le_bytes());
        self.files.extend(self.count.to_le_bytes());
        self.files.extend(size.to_le_bytes());
        self.files.extend(offset.to_le_bytes());
        self.files.extend([0, 0]);
        self.files
    }
}

/// The check sum of ZIP and PNG (ISO 3309).
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    static TABLE: [u32; 256] = table();
    !bytes.iter().fold(!0, |crc, byte| TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let mut c = n as u32;
        let mut bit = 0;
        while bit < 8 {
            c = if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 };
            bit += 1;
        }
        table[n] = c;
        n += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_sum_is_that_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
