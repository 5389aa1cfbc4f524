//! What a figure is made of, for the formats that are no text: paths, circles and text.

use super::svg::{Stroke, TextStyle};

/// One thing drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// Straight lines through points.
    Path { points: Vec<(f64, f64)>, closed: bool, fill: Option<Fill>, stroke: Option<Stroke> },
    /// A circle.
    Circle { centre: (f64, f64), radius: f64, fill: Fill, stroke: Option<Stroke> },
    /// Text with its baseline at a point.
    Text { at: (f64, f64), text: String, style: TextStyle },
}

/// A colour and how far it covers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fill {
    pub colour: [u8; 3],
    pub opacity: f64,
}

impl Fill {
    /// A colour `#rrggbb`.
    pub fn of(colour: &str, opacity: f64) -> Self {
        Self { colour: rgb(colour), opacity }
    }
}

/// The parts of `#rrggbb`; black for anything else, which no figure has.
pub(super) fn rgb(colour: &str) -> [u8; 3] {
    let digits = u32::from_str_radix(colour.trim_start_matches('#'), 16).unwrap_or(0);
    [(digits >> 16) as u8, (digits >> 8) as u8, digits as u8]
}

/// The lengths of dashes and gaps of a stroke; none for a solid line.
pub(super) fn dashes(stroke: &Stroke) -> Vec<f64> {
    stroke.dash.split_whitespace().filter_map(|length| length.parse().ok()).collect()
}

/// A line in pieces as long as its dashes, or whole.
pub(super) fn dashed(points: &[(f64, f64)], closed: bool, lengths: &[f64]) -> Vec<Vec<(f64, f64)>> {
    let mut line = points.to_vec();
    if closed {
        line.extend(points.first().copied());
    }
    if lengths.is_empty() || lengths.iter().sum::<f64>() <= 0.0 {
        return vec![line];
    }
    let (mut pieces, mut piece) = (vec![], vec![]);
    let (mut k, mut left) = (0, lengths[0]);
    for pair in line.windows(2) {
        let ((mut x, mut y), (to_x, to_y)) = (pair[0], pair[1]);
        let mut rest = (to_x - x).hypot(to_y - y);
        if k % 2 == 0 && piece.is_empty() {
            piece.push((x, y));
        }
        while rest > left {
            let share = left / rest;
            (x, y) = (x + share * (to_x - x), y + share * (to_y - y));
            rest -= left;
            if k % 2 == 0 {
                piece.push((x, y));
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![(x, y)];
            }
            k += 1;
            left = lengths[k % lengths.len()];
        }
        left -= rest;
        if k % 2 == 0 {
            piece.push((to_x, to_y));
        }
    }
    if piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_are_as_long_as_said_and_go_around_corners() {
        let pieces = dashed(&[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)], false, &[7.0, 4.0]);
        assert_eq!(pieces, [vec![(0.0, 0.0), (7.0, 0.0)], vec![(10.0, 1.0), (10.0, 8.0)]]);
        let around = dashed(&[(0.0, 0.0), (4.0, 0.0), (4.0, 4.0)], false, &[6.0, 1.0]);
        assert_eq!(around[0], [(0.0, 0.0), (4.0, 0.0), (4.0, 2.0)]);
        assert_eq!(dashed(&[(0.0, 0.0), (1.0, 0.0)], true, &[]), [[(0.0, 0.0), (1.0, 0.0), (0.0, 0.0)]]);
    }

    #[test]
    fn colours_are_read() {
        assert_eq!(rgb("#0b3c6f"), [11, 60, 111]);
    }
}
