//! Writing SVG: lines, shapes and text, nothing else.

use std::fmt::Write as _;

use super::shape::{Fill, Shape};
use super::{Drawing, Figure};
use std::sync::Arc;

/// The fonts asked for; none is loaded from anywhere.
const FONTS: &str = "Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif";

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stroke {
    pub colour: &'static str,
    pub width: f64,
    /// SVG dash pattern, empty for a solid line.
    pub dash: &'static str,
}

impl Stroke {
    pub(super) const fn solid(colour: &'static str, width: f64) -> Self {
        Self { colour, width, dash: "" }
    }

    fn attributes(&self) -> String {
        let dash = if self.dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{}\"", self.dash) };
        format!("stroke=\"{}\" stroke-width=\"{}\"{dash}", self.colour, short(self.width))
    }
}

/// Which point of a text is at its position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How text is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TextStyle {
    pub size: f64,
    pub anchor: Anchor,
    pub bold: bool,
    pub colour: &'static str,
}

impl TextStyle {
    pub(super) const fn new(size: f64, anchor: Anchor) -> Self {
        Self { size, anchor, bold: false, colour: super::style::INK }
    }

    pub(super) const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(super) const fn colour(self, colour: &'static str) -> Self {
        Self { colour, ..self }
    }
}

/// A drawing under way.
#[derive(Debug, Clone)]
pub(super) struct Canvas {
    pub width: f64,
    pub height: f64,
    body: String,
    /// The same for the formats that are no text.
    shapes: Vec<Shape>,
}

impl Canvas {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new(), shapes: vec![] }
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let at = format!("x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"", short(x1), short(y1), short(x2), short(y2));
        let _ = writeln!(self.body, "<line {at} {}/>", stroke.attributes());
        self.shapes.push(Shape::Path { points: vec![from, to], closed: false, fill: None, stroke: Some(stroke) });
    }

    pub(super) fn polyline(&mut self, points: &[(f64, f64)], stroke: Stroke) {
        let _ = writeln!(self.body, "<polyline points=\"{}\" fill=\"none\" {}/>", joined(points), stroke.attributes());
        self.shapes.push(Shape::Path { points: points.to_vec(), closed: false, fill: None, stroke: Some(stroke) });
    }

    pub(super) fn polygon(&mut self, points: &[(f64, f64)], fill: &str, opacity: f64, stroke: Option<Stroke>) {
        self.shapes.push(Shape::Path { points: points.to_vec(), closed: true, fill: Some(Fill::of(fill, opacity)), stroke });
        let edge = stroke.map_or("stroke=\"none\"".to_string(), |s| s.attributes());
        let opacity = if opacity < 1.0 { format!(" fill-opacity=\"{}\"", short(opacity)) } else { String::new() };
        let _ = writeln!(self.body, "<polygon points=\"{}\" fill=\"{fill}\"{opacity} {edge}/>", joined(points));
    }

    pub(super) fn rectangle(&mut self, corner: (f64, f64), size: (f64, f64), fill: &str, stroke: Option<Stroke>) {
        let edge = stroke.map_or("stroke=\"none\"".to_string(), |s| s.attributes());
        let ((x, y), (w, h)) = (corner, (size.0.max(0.0), size.1.max(0.0)));
        let points = vec![(x, y), (x + w, y), (x + w, y + h), (x, y + h)];
        self.shapes.push(Shape::Path { points, closed: true, fill: Some(Fill::of(fill, 1.0)), stroke });
        let at = format!("x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", short(x), short(y), short(w), short(h));
        let _ = writeln!(self.body, "<rect {at} fill=\"{fill}\" {edge}/>");
    }

    pub(super) fn circle(&mut self, centre: (f64, f64), radius: f64, fill: &str, stroke: Option<Stroke>) {
        let edge = stroke.map_or("stroke=\"none\"".to_string(), |s| s.attributes());
        let at = format!("cx=\"{}\" cy=\"{}\" r=\"{}\"", short(centre.0), short(centre.1), short(radius));
        self.shapes.push(Shape::Circle { centre, radius, fill: Fill::of(fill, 1.0), stroke });
        let _ = writeln!(self.body, "<circle {at} fill=\"{fill}\" {edge}/>");
    }

    /// Text with its baseline at `at`.
    pub(super) fn text(&mut self, at: (f64, f64), text: &str, style: TextStyle) {
        let anchor = match style.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        self.shapes.push(Shape::Text { at, text: text.into(), style });
        let weight = if style.bold { " font-weight=\"bold\"" } else { "" };
        let place = format!("x=\"{}\" y=\"{}\" font-size=\"{}\"", short(at.0), short(at.1), short(style.size));
        let _ = writeln!(self.body, "<text {place} fill=\"{}\"{anchor}{weight}>{}</text>", style.colour, escaped(text));
    }

    /// Lines of text, the first with its baseline at `at`.
    pub(super) fn lines<S: AsRef<str>>(&mut self, at: (f64, f64), lines: &[S], leading: f64, style: TextStyle) {
        for (k, line) in lines.iter().enumerate() {
            self.text((at.0, at.1 + k as f64 * leading), line.as_ref(), style);
        }
    }

    pub(super) fn finish(self, title: &str, description: &str) -> Figure {
        let (w, h) = (short(self.width), short(self.height));
        let head = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" font-family=\"{FONTS}\">\n"
        );
        let words = format!("<title>{}</title>\n<desc>{}</desc>\n", escaped(title), escaped(description));
        let svg = format!("{head}{words}{}</svg>\n", self.body);
        Figure {
            title: title.into(),
            description: description.into(),
            width: self.width,
            height: self.height,
            svg,
            drawing: Arc::new(Drawing { shapes: self.shapes, ..Drawing::default() }),
        }
    }
}

/// The figure, a line taller, with `mark` at its foot.
pub(super) fn with_mark(figure: &Figure, mark: &str) -> Figure {
    let mut line = Canvas::new(figure.width, figure.height + 18.0);
    let style = TextStyle::new(super::style::SMALL, Anchor::End).bold().colour(super::style::SOFT);
    line.text((figure.width - 2.0, figure.height + 12.0), mark, style);
    let Canvas { width, height, body: mark, shapes } = line;
    let shapes = figure.drawing.shapes.iter().cloned().chain(shapes).collect();
    let body = figure.svg.split_once("</desc>\n").map_or("", |(_, body)| body).trim_end().trim_end_matches("</svg>");
    Canvas { width, height, body: format!("{body}{mark}"), shapes }.finish(&figure.title, &figure.description)
}

/// `x` with at most two decimals.
fn short(x: f64) -> String {
    let text = format!("{x:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.to_string() }
}

fn joined(points: &[(f64, f64)]) -> String {
    points.iter().map(|(x, y)| format!("{},{}", short(*x), short(*y))).collect::<Vec<_>>().join(" ")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML has no way to write the other control characters.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_text_is_escaped() {
        assert_eq!((short(1.0), short(-0.001), short(2.345)), ("1".into(), "0".into(), "2.35".into()));
        assert_eq!(escaped("p < .05 & \"n\""), "p &lt; .05 &amp; &quot;n&quot;");
    }
}
