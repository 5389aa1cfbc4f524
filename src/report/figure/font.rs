//! The outlines of letters, for figures whose reader has no fonts: Liberation Sans 2.

use super::svg::{Anchor, TextStyle};
use ttf_parser::{Face, OutlineBuilder};

const REGULAR: &[u8] = include_bytes!("fonts/LiberationSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("fonts/LiberationSans-Bold.ttf");

/// A step of an outline, in the units of the figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    Move((f64, f64)),
    Line((f64, f64)),
    Quad((f64, f64), (f64, f64)),
    Cubic((f64, f64), (f64, f64), (f64, f64)),
    Close,
}

/// Both weights of the font.
pub(super) struct Fonts {
    regular: Option<Face<'static>>,
    bold: Option<Face<'static>>,
}

impl Fonts {
    pub fn new() -> Self {
        Self { regular: Face::parse(REGULAR, 0).ok(), bold: Face::parse(BOLD, 0).ok() }
    }

    /// The outlines of `text`, each letter's steps in order. A letter that the font does not have is drawn as its empty box.
    pub fn outlines(&self, at: (f64, f64), text: &str, style: &TextStyle) -> Vec<Step> {
        let Some(face) = (if style.bold { &self.bold } else { &self.regular }) else { return vec![] };
        let scale = style.size / f64::from(face.units_per_em());
        let glyphs: Vec<_> = text.chars().map(|c| face.glyph_index(c).unwrap_or_default()).collect();
        let advance = |glyph: &ttf_parser::GlyphId| scale * f64::from(face.glyph_hor_advance(*glyph).unwrap_or(0));
        let width: f64 = glyphs.iter().map(advance).sum();
        let mut x = at.0
            - match style.anchor {
                Anchor::Start => 0.0,
                Anchor::Middle => 0.5 * width,
                Anchor::End => width,
            };
        let mut steps = vec![];
        for glyph in &glyphs {
            let mut placed = Placed { origin: (x, at.1), scale, steps: &mut steps };
            face.outline_glyph(*glyph, &mut placed);
            x += advance(glyph);
        }
        steps
    }
}

/// An outline where it is to be, with y downwards.
struct Placed<'a> {
    origin: (f64, f64),
    scale: f64,
    steps: &'a mut Vec<Step>,
}

impl Placed<'_> {
    fn at(&self, x: f32, y: f32) -> (f64, f64) {
        (self.origin.0 + self.scale * f64::from(x), self.origin.1 - self.scale * f64::from(y))
    }
}

impl OutlineBuilder for Placed<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let step = Step::Move(self.at(x, y));
        self.steps.push(step);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let step = Step::Line(self.at(x, y));
        self.steps.push(step);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let step = Step::Quad(self.at(x1, y1), self.at(x, y));
        self.steps.push(step);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let step = Step::Cubic(self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.steps.push(step);
    }

    fn close(&mut self) {
        self.steps.push(Step::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_a_report_has_an_outline() {
        let fonts = Fonts::new();
        let style = TextStyle::new(12.0, Anchor::Start);
        let face = fonts.regular.as_ref().expect("the font");
        for c in "AZaz09−–·×±≥≤→∞≈²³αωéßłЖ%()[]".chars() {
            assert!(face.glyph_index(c).is_some(), "{c}");
        }
        assert!(!fonts.outlines((0.0, 0.0), "p", &style).is_empty() && fonts.bold.is_some());
    }

    #[test]
    fn text_ends_where_it_is_anchored() {
        let fonts = Fonts::new();
        let ends = |anchor| {
            let steps = fonts.outlines((100.0, 20.0), "HIH", &TextStyle::new(10.0, anchor));
            let xs = steps.iter().filter_map(|s| match s {
                Step::Move(p) | Step::Line(p) => Some(p.0),
                _ => None,
            });
            xs.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)))
        };
        let (start, middle, end) = (ends(Anchor::Start), ends(Anchor::Middle), ends(Anchor::End));
        assert!(start.0 >= 100.0 && end.1 <= 100.0 && (middle.0 + middle.1 - 200.0).abs() < 1.0);
    }
}
