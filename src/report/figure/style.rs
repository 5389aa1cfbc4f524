//! What tells arms apart: marker, line and colour together, so that a black-and-white print loses nothing.

use super::svg::{Canvas, Stroke};

pub(super) const INK: &str = "#1a1a1a";
pub(super) const SOFT: &str = "#5c5c5c";
pub(super) const RULE: &str = "#b5b5b5";
pub(super) const FAINT: &str = "#e6e6e6";
pub(super) const PAPER: &str = "#ffffff";

/// Size of ordinary text.
pub(super) const TEXT: f64 = 12.0;
/// Size of ticks, notes and numbers beneath.
pub(super) const SMALL: f64 = 11.0;
/// Distance between lines of ordinary text.
pub(super) const LEADING: f64 = 16.0;
/// Width of a figure that fills a page's text block.
pub(super) const FULL_WIDTH: f64 = 720.0;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
}

/// How one arm is drawn throughout a report.
#[derive(Debug, Clone, Copy)]
pub(super) struct ArmStyle {
    marker: Marker,
    filled: bool,
    pub colour: &'static str,
    pub dash: &'static str,
}

/// Dark blue, vermilion, green and purple: told apart with any colour vision, and of different darkness in grey.
const COLOURS: [&str; 4] = ["#0b3c6f", "#d55e00", "#00795c", "#9a4c9e"];
const DASHES: [&str; 4] = ["", "7 4", "2 3", "9 3 2 3"];
const MARKERS: [Marker; 4] = [Marker::Circle, Marker::Square, Marker::Triangle, Marker::Diamond];

impl ArmStyle {
    /// The style of the arm at position `arm`; sixteen differ.
    pub(super) fn of(arm: usize) -> Self {
        Self {
            marker: MARKERS[(arm + arm / 4) % 4],
            filled: (arm + arm / 4).is_multiple_of(2),
            colour: COLOURS[arm % 4],
            dash: DASHES[(arm + arm / 4) % 4],
        }
    }

    pub(super) fn line(&self, width: f64) -> Stroke {
        Stroke { colour: self.colour, width, dash: self.dash }
    }

    /// The arm's marker, about `2 × radius` wide.
    pub(super) fn mark(&self, canvas: &mut Canvas, at: (f64, f64), radius: f64) {
        let (x, y) = at;
        let fill = if self.filled { self.colour } else { PAPER };
        let edge = Some(Stroke::solid(self.colour, 1.6));
        let r = radius;
        match self.marker {
            Marker::Circle => canvas.circle(at, r, fill, edge),
            Marker::Square => canvas.rectangle((x - 0.9 * r, y - 0.9 * r), (1.8 * r, 1.8 * r), fill, edge),
            Marker::Triangle => {
                canvas.polygon(&[(x, y - 1.15 * r), (x + 1.1 * r, y + 0.8 * r), (x - 1.1 * r, y + 0.8 * r)], fill, 1.0, edge);
            }
            Marker::Diamond => {
                canvas.polygon(&[(x, y - 1.25 * r), (x + 1.25 * r, y), (x, y + 1.25 * r), (x - 1.25 * r, y)], fill, 1.0, edge);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arms_differ_without_colour() {
        let styles: Vec<_> = (0..8).map(|a| (ArmStyle::of(a).marker as usize, ArmStyle::of(a).filled, ArmStyle::of(a).dash)).collect();
        for (a, style) in styles.iter().enumerate().take(4) {
            assert!(!styles[..a].contains(style));
        }
    }
}
