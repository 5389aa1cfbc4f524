//! Tables as a page has room for them: an estimate and its interval in one cell.

use crate::table::{Column, Values};

/// What limits called just `lower` and `upper` are the limits of, the first of these that is there.
const ESTIMATES: [&str; 3] = ["estimate", "effect", "rate"];

/// `columns` with an estimate `x` and its limits `x_lower` and `x_upper` as one column of text, wherever the limits
/// stand; limits called just `lower` and `upper` belong to the estimate. Columns that say nothing in any row are left
/// out.
pub(super) fn condensed(columns: &[Column]) -> Vec<Column> {
    let called = |name: String| columns.iter().position(|c| is_real(c) && c.name == name);
    let estimate = ESTIMATES.iter().find_map(|name| called((*name).into()));
    let limits = |k: usize| {
        let own = called(format!("{}_lower", columns[k].name)).zip(called(format!("{}_upper", columns[k].name)));
        own.or_else(|| (Some(k) == estimate).then(|| called("lower".into()).zip(called("upper".into()))).flatten())
    };
    let merging: Vec<(usize, (usize, usize))> =
        (0..columns.len()).filter(|&k| is_real(&columns[k])).filter_map(|k| limits(k).map(|l| (k, l))).collect();
    let swallowed = |k: usize| merging.iter().any(|&(_, (lower, upper))| k == lower || k == upper);
    let shown = (0..columns.len()).filter(|&k| !swallowed(k)).map(|k| match merging.iter().find(|m| m.0 == k) {
        Some(&(_, (lower, upper))) => merged(&columns[k], &columns[lower], &columns[upper]),
        None => columns[k].clone(),
    });
    shown.filter(|c| c.is_empty() || (0..c.len()).any(|r| !c.formatted(r).is_empty())).collect()
}

fn is_real(column: &Column) -> bool {
    matches!(column.values, Values::Real(..) | Values::Each(..))
}

fn merged(column: &Column, lower: &Column, upper: &Column) -> Column {
    let cell = |r: usize| match [column.formatted(r), lower.formatted(r), upper.formatted(r)] {
        [estimate, low, high] if low.is_empty() && high.is_empty() => estimate,
        [estimate, low, high] => format!("{estimate} ({low} to {high})"),
    };
    let cells = (0..column.len()).map(|r| minus_signs(&cell(r)));
    let interval = lower.heading.strip_prefix("Lower ").map_or("interval".into(), |level| format!("{level} CI"));
    Column::text(column.name.clone(), &format!("{} ({interval})", column.heading), cells)
}

/// `text` with a capital where it begins with a plain word; symbols such as `n`, `df` and `p-values` stay as they are.
pub(super) fn sentence_case(text: &str) -> String {
    let word = text.split_whitespace().next().unwrap_or_default();
    let plain = word.len() > 2 && word.chars().all(|c| c.is_ascii_lowercase())
        || word.len() > 9 && word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    if plain { super::effects::capitalised(text) } else { text.to_string() }
}

/// Hyphens before digits as minus signs.
pub(super) fn minus_signs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = characters.next() {
        let negative = c == '-' && !before.is_alphanumeric() && characters.peek().is_some_and(|n| n.is_ascii_digit() || *n == '.');
        out.push(if negative { '−' } else { c });
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Format;

    #[test]
    fn an_estimate_and_its_interval_share_a_cell() {
        let real = |name: &'static str, x: f64| Column::real(name, name, Format::Decimals(2), [x, f64::NAN]);
        let columns =
            [Column::text("arm", "Arm", ["a", "b"]), real("estimate", -1.5), real("lower", -2.0), real("upper", 0.25), real("se", 0.5)];
        let shown = condensed(&columns);
        assert_eq!(shown.len(), 3);
        assert_eq!((shown[1].formatted(0).as_str(), shown[1].formatted(1).as_str()), ("−1.50 (−2.00 to 0.25)", ""));
        assert_eq!(shown[2].name, "se");
    }

    #[test]
    fn other_columns_stay_and_empty_ones_go() {
        let real = |name: &'static str, x: f64| Column::real(name, name, Format::Decimals(2), [x]);
        let columns = [real("rate", 0.1), real("rate_lower", 0.0), real("odds_upper", 0.25), real("empty", f64::NAN)];
        assert_eq!(condensed(&columns).len(), 3);
    }

    #[test]
    fn sentences_begin_with_a_capital_and_symbols_do_not() {
        assert_eq!(sentence_case("unstructured covariance."), "Unstructured covariance.");
        assert_eq!(sentence_case("p-values are not adjusted."), "p-values are not adjusted.");
        assert_eq!(sentence_case("df"), "df");
        assert_eq!(sentence_case("caps5 at most 8"), "caps5 at most 8");
    }

    #[test]
    fn only_signs_become_minus_signs() {
        assert_eq!(minus_signs("ImRs-GST −1 (-2 to -.5) 3-6"), "ImRs-GST −1 (−2 to −.5) 3-6");
    }
}
