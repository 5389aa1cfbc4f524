//! Charts of the page, as SVG.

use crate::cases::Row;
use crate::common::growth::Axis;
use std::fmt::Write as _;

const WIDTH: f64 = 800.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 270.0;
const COLOURS: [&str; 9] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a6d00", "#555555", "#7a3e9d"];

fn head(height: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The decades that hold all of these.
fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.map(f64::log10).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    (low.floor(), high.ceil().max(low.floor() + 1.0))
}

/// Seconds against size, both on logarithmic scales: the slope is the exponent.
pub fn growth(axes: &[Axis]) -> String {
    const HEIGHT: f64 = 460.0;
    let (top, bottom) = (20.0, HEIGHT - 45.0);
    let points = || axes.iter().flat_map(|axis| &axis.points);
    let ((x0, x1), (y0, y1)) = (decades(points().map(|p| p.0)), decades(points().map(|p| p.1)));
    let x = |size: f64| LEFT + (size.log10() - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT);
    let y = |seconds: f64| bottom - (seconds.log10() - y0) / (y1 - y0) * (bottom - top);
    let mut text = head(HEIGHT);
    for decade in x0 as i32..=x1 as i32 {
        let at = x(10_f64.powi(decade));
        let _ = writeln!(text, "<path d=\"M{at:.1} {top}V{bottom}\" stroke=\"#ddd\"/>");
        let _ = writeln!(text, "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>", bottom + 16.0, power(decade));
    }
    for decade in y0 as i32..=y1 as i32 {
        let at = y(10_f64.powi(decade));
        let _ = writeln!(text, "<path d=\"M{LEFT} {at:.1}H{:.1}\" stroke=\"#ddd\"/>", WIDTH - RIGHT);
        let seconds = crate::common::clock::written(10_f64.powi(decade)).replace(".00", "").replace(".0", "");
        let _ = writeln!(text, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{seconds}</text>", LEFT - 6.0, at + 4.0);
    }
    let _ = writeln!(text, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">size</text>", 0.5 * (LEFT + WIDTH - RIGHT), bottom + 34.0);
    let mut labels: Vec<(f64, usize)> = axes.iter().enumerate().map(|(k, axis)| (y(axis.points[axis.points.len() - 1].1), k)).collect();
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut below = top;
    for (at, k) in labels {
        let (axis, colour) = (&axes[k], COLOURS[k % COLOURS.len()]);
        let line = axis.points.iter().map(|p| format!("{:.1},{:.1}", x(p.0), y(p.1))).collect::<Vec<_>>().join(" ");
        let _ = writeln!(text, "<polyline points=\"{line}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>");
        for p in &axis.points {
            let _ = writeln!(text, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>", x(p.0), y(p.1));
        }
        let end = axis.points[axis.points.len() - 1];
        let at = at.max(below + 14.0);
        below = at;
        let grows = if axis.grows() { format!("exponent {:.2}", axis.exponent()) } else { "does not grow".into() };
        let label = escaped(&format!("{} ({grows})", axis.of));
        let from = WIDTH - RIGHT + 14.0;
        let _ =
            writeln!(text, "<path d=\"M{:.1} {:.1}L{:.1} {at:.1}\" stroke=\"{colour}\" opacity=\"0.5\"/>", x(end.0), y(end.1), from - 3.0);
        let _ = writeln!(text, "<text x=\"{from:.1}\" y=\"{:.1}\" fill=\"{colour}\">{label}</text>", at + 4.0);
    }
    text + "</svg>\n"
}

/// How many times faster than each peer, on a logarithmic scale.
pub fn ratios(rows: &[Row]) -> String {
    const STEP: f64 = 22.0;
    const NAMES: f64 = 330.0;
    let known: Vec<(&Row, f64)> =
        rows.iter().filter_map(|row| Some((row, row.theirs.as_ref().ok()?.median.seconds / row.own.seconds))).collect();
    let height = STEP * known.len() as f64 + 50.0;
    let (low, high) = decades(known.iter().map(|(_, ratio)| *ratio).chain([1.0]));
    let x = |ratio: f64| NAMES + (ratio.log10() - low) / (high - low) * (WIDTH - NAMES - 60.0);
    let mut text = head(height);
    for decade in low as i32..=high as i32 {
        let (at, stroke) = (x(10_f64.powi(decade)), if decade == 0 { "#333" } else { "#ddd" });
        let _ = writeln!(text, "<path d=\"M{at:.1} 10V{:.1}\" stroke=\"{stroke}\"/>", height - 30.0);
        let _ = writeln!(text, "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{} ×</text>", height - 14.0, power(decade));
    }
    for (k, (row, ratio)) in known.iter().enumerate() {
        let at = 14.0 + STEP * k as f64;
        let (from, to) = (x(1.0).min(x(*ratio)), x(1.0).max(x(*ratio)));
        let colour = if *ratio < 1.0 { "#d55e00" } else { "#0072b2" };
        // The name of a case ends in the peer's, where the same is measured beside several.
        let what = format!("{} ({})", row.name.trim_end_matches(row.peer).trim_end(), row.peer);
        let _ = writeln!(text, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>", NAMES - 8.0, at + 12.0, escaped(&what));
        let _ = writeln!(text, "<rect x=\"{from:.1}\" y=\"{at:.1}\" width=\"{:.1}\" height=\"15\" fill=\"{colour}\"/>", to - from);
        let _ = writeln!(text, "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>", to + 5.0, at + 12.0, crate::page::times(*ratio));
    }
    text + "</svg>\n"
}

/// A power of ten as it is said.
fn power(decade: i32) -> String {
    match decade {
        -2 => "0.01".into(),
        -1 => "0.1".into(),
        0..=3 => 10_i32.pow(decade as u32).to_string(),
        _ => format!("10{}", decade.to_string().chars().map(raised).collect::<String>()),
    }
}

fn raised(digit: char) -> char {
    match digit {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        _ => digit.to_digit(10).and_then(|d| char::from_u32(0x2070 + d)).unwrap_or(digit),
    }
}
