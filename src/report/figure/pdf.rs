//! PDF files (ISO 32000) of one page, as large as the figure: paths alone, so that no font is needed.

use super::font::{Fonts, Step};
use super::shape::{Fill, Shape, dashes, rgb};
use super::svg::Stroke;
use miniz_oxide::deflate::compress_to_vec_zlib;
use std::fmt::Write as _;

/// Points of PDF a pixel of CSS.
const POINTS: f64 = 0.75;

/// The file.
pub(super) fn written(shapes: &[Shape], (width, height): (f64, f64), title: &str) -> Vec<u8> {
    let mut content = format!("{POINTS} 0 0 {} 0 {} cm\n", -POINTS, number(POINTS * height));
    let (fonts, mut opacities) = (Fonts::new(), vec![]);
    for shape in shapes {
        match shape {
            Shape::Path { points, closed, fill, stroke } => {
                let mut path = path(&straight(points));
                if *closed {
                    path += "h\n";
                }
                content += &painted(&path, *fill, *stroke, &mut opacities);
            }
            Shape::Circle { centre, radius, fill, stroke } => {
                content += &painted(&path(&circle(*centre, *radius)), Some(*fill), *stroke, &mut opacities);
            }
            Shape::Text { at, text, style } => {
                content += &painted(&path(&fonts.outlines(*at, text, style)), Some(Fill::of(style.colour, 1.0)), None, &mut opacities);
            }
        }
    }
    file(&content, (POINTS * width, POINTS * height), title, &opacities)
}

/// At most three decimals, none where there are none.
fn number(x: f64) -> String {
    let text = format!("{x:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

fn at((x, y): (f64, f64)) -> String {
    format!("{} {}", number(x), number(y))
}

fn straight(points: &[(f64, f64)]) -> Vec<Step> {
    points.iter().enumerate().map(|(k, p)| if k == 0 { Step::Move(*p) } else { Step::Line(*p) }).collect()
}

/// Four arcs of Bézier's, which differ from a circle by less than a thousandth of the radius.
fn circle((x, y): (f64, f64), r: f64) -> Vec<Step> {
    let k = 0.552_285 * r;
    vec![
        Step::Move((x + r, y)),
        Step::Cubic((x + r, y + k), (x + k, y + r), (x, y + r)),
        Step::Cubic((x - k, y + r), (x - r, y + k), (x - r, y)),
        Step::Cubic((x - r, y - k), (x - k, y - r), (x, y - r)),
        Step::Cubic((x + k, y - r), (x + r, y - k), (x + r, y)),
        Step::Close,
    ]
}

fn path(steps: &[Step]) -> String {
    let (mut text, mut here) = (String::new(), (0.0, 0.0));
    for step in steps {
        let _ = match *step {
            Step::Move(p) => {
                here = p;
                writeln!(text, "{} m", at(p))
            }
            Step::Line(p) => {
                here = p;
                writeln!(text, "{} l", at(p))
            }
            Step::Quad(c, p) => {
                let towards = |a: (f64, f64)| (a.0 + 2.0 / 3.0 * (c.0 - a.0), a.1 + 2.0 / 3.0 * (c.1 - a.1));
                let (first, second) = (towards(here), towards(p));
                here = p;
                writeln!(text, "{} {} {} c", at(first), at(second), at(p))
            }
            Step::Cubic(c, d, p) => {
                here = p;
                writeln!(text, "{} {} {} c", at(c), at(d), at(p))
            }
            Step::Close => writeln!(text, "h"),
        };
    }
    text
}

fn colour(rgb: [u8; 3]) -> String {
    rgb.map(|part| number(f64::from(part) / 255.0)).join(" ")
}

/// A path with its fill and its line, in a graphics state of its own.
fn painted(path: &str, fill: Option<Fill>, stroke: Option<Stroke>, opacities: &mut Vec<f64>) -> String {
    let mut text = String::from("q\n");
    if let Some(fill) = fill {
        let _ = writeln!(text, "{} rg", colour(fill.colour));
        if fill.opacity < 1.0 {
            let known = opacities.iter().position(|o| *o == fill.opacity);
            let place = known.unwrap_or_else(|| {
                opacities.push(fill.opacity);
                opacities.len() - 1
            });
            let _ = writeln!(text, "/G{place} gs");
        }
    }
    if let Some(stroke) = stroke {
        let lengths: Vec<String> = dashes(&stroke).into_iter().map(number).collect();
        let _ = writeln!(text, "{} RG {} w [{}] 0 d 4 M", colour(rgb(stroke.colour)), number(stroke.width), lengths.join(" "));
    }
    let paint = match (fill.is_some(), stroke.is_some()) {
        (true, true) => "B",
        (true, false) => "f",
        (false, _) => "S",
    };
    text + path + paint + "\nQ\n"
}

fn file(content: &str, (width, height): (f64, f64), title: &str, opacities: &[f64]) -> Vec<u8> {
    let states: String = opacities.iter().enumerate().map(|(k, o)| format!("/G{k} << /ca {} >> ", number(*o))).collect();
    let stream = compress_to_vec_zlib(content.as_bytes(), 6);
    let title: String = title.encode_utf16().map(|unit| format!("{unit:04X}")).collect();
    let page = format!(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {} {}] /Contents 4 0 R /Resources << /ExtGState << {states}>> >> >>",
        number(width),
        number(height)
    );
    let mut stream_object = format!("<< /Length {} /Filter /FlateDecode >>\nstream\n", stream.len()).into_bytes();
    stream_object.extend(stream);
    stream_object.extend(b"\nendstream");
    let objects: [Vec<u8>; 5] = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        page.into_bytes(),
        stream_object,
        format!("<< /Title <FEFF{title}> /Producer (trialstats) >>").into_bytes(),
    ];
    let mut file = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut places = vec![];
    for (k, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.extend(format!("{} 0 obj\n", k + 1).bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let table = file.len();
    let entries: String = places.iter().map(|place| format!("{place:010} 00000 n \n")).collect();
    file.extend(
        format!("xref\n0 6\n0000000000 65535 f \n{entries}trailer\n<< /Size 6 /Root 1 0 R /Info 5 0 R >>\nstartxref\n{table}\n%%EOF\n")
            .bytes(),
    );
    file
}
