//! PNG files (ISO/IEC 15948) of eight bits a colour.

use crate::report::archive::crc32;
use miniz_oxide::deflate::compress_to_vec_zlib;

/// Pixels of three bytes as a file that says its resolution.
pub(super) fn encoded(pixels: &[u8], (width, height): (u32, u32), dpi: u32) -> Vec<u8> {
    let row = 3 * width as usize;
    // Each row as its difference from the one above (filter 2): most are zeros then.
    let mut filtered = Vec::with_capacity(pixels.len() + height as usize);
    let nothing = vec![0; row];
    for (k, line) in pixels.chunks(row).enumerate() {
        let above = if k == 0 { nothing.as_slice() } else { &pixels[(k - 1) * row..k * row] };
        filtered.push(2);
        filtered.extend(line.iter().zip(above).map(|(here, above)| here.wrapping_sub(*above)));
    }
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 2, 0, 0, 0]);
    let per_metre = (f64::from(dpi) / 0.0254).round() as u32;
    let mut resolution = [per_metre.to_be_bytes(), per_metre.to_be_bytes()].concat();
    resolution.push(1);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [
        (b"IHDR", header.as_slice()),
        (b"pHYs", resolution.as_slice()),
        (b"IDAT", compress_to_vec_zlib(&filtered, 6).as_slice()),
        (b"IEND", &[]),
    ] {
        file.extend((data.len() as u32).to_be_bytes());
        let start = file.len();
        file.extend(kind);
        file.extend(data);
        file.extend(crc32(&file[start..]).to_be_bytes());
    }
    file
}
