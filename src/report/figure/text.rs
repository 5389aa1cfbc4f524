//! How wide text is, so that labels fit where they are put.

/// Advance widths of the characters 32 to 126 in thousandths of the font size.
///
/// These are DejaVu Sans's, the widest of the sans-serif fonts a reader is likely to have: text set in Helvetica or
/// Arial is narrower, so a layout that holds for these widths holds for those.
#[rustfmt::skip]
const WIDTHS: [u16; 95] = [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636, 636, 636,
    636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787,
    603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352, 635,
    634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
];

/// How much wider bold letters are, on average.
const BOLD: f64 = 1.14;

/// The width of `text` set at `size`, in the units of `size`.
pub(super) fn width(text: &str, size: f64, bold: bool) -> f64 {
    let thousandths: f64 = text.chars().map(character_width).sum();
    thousandths / 1000.0 * size * if bold { BOLD } else { 1.0 }
}

fn character_width(c: char) -> f64 {
    match c {
        ' '..='~' => f64::from(WIDTHS[c as usize - 32]),
        '·' | '²' | '³' => 401.0,
        '–' | 'α'..='ω' => 660.0,
        '−' | '×' | '±' | '≥' | '≤' | '→' | '∞' | '≈' => 838.0,
        // Accented Latin letters are about as wide as their plain ones; anything beyond is taken as an em.
        '\u{c0}'..='\u{17f}' => 700.0,
        _ => 1000.0,
    }
}

/// `text` broken at spaces into lines no wider than `limit`; a longer word keeps a line of its own.
pub(super) fn wrapped(text: &str, size: f64, bold: bool, limit: f64) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line, size, bold) + width(" ", size, bold) + width(word, size, bold) <= limit => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

/// The width of the widest of `texts`.
pub(super) fn widest<S: AsRef<str>>(texts: impl IntoIterator<Item = S>, size: f64, bold: bool) -> f64 {
    texts.into_iter().map(|t| width(t.as_ref(), size, bold)).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_lines_keep_every_word_and_the_limit() {
        let text = "assessed at three months after randomization";
        let lines = wrapped(text, 12.0, false, 120.0);
        assert_eq!(lines.join(" "), text);
        assert!(lines.len() > 1 && lines.iter().all(|l| width(l, 12.0, false) <= 120.0));
    }

    #[test]
    fn wider_text_is_wider() {
        assert!(width("ImRs+GST", 12.0, false) > width("ImRs", 12.0, false));
        assert!(width("ImRs", 12.0, true) > width("ImRs", 12.0, false));
        assert_eq!(width("0123456789", 10.0, false), 63.6);
    }
}
