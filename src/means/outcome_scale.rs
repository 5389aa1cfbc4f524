//! Columns on the scale of the outcome, where the model's is another.

use crate::estimates::OnOutcomeScale;
use crate::level::percent;
use crate::table::{Column, Format};

/// The columns of an estimate on the scale of the outcome; none where no row has one.
pub(super) fn on_outcome_scale(heading: &str, level: f64, rows: impl Iterator<Item = Option<OnOutcomeScale>>) -> Vec<Column> {
    let rows: Vec<Option<OnOutcomeScale>> = rows.collect();
    if rows.iter().all(Option::is_none) {
        return vec![];
    }
    let column = |name: &'static str, heading: &str, of: fn(&OnOutcomeScale) -> f64| {
        Column::real(name, heading, Format::Decimals(3), rows.iter().map(|row| row.as_ref().map_or(f64::NAN, of)))
    };
    vec![
        column("outcome_scale", heading, |r| r.estimate),
        column("outcome_scale_se", &format!("SE ({})", heading.to_lowercase()), |r| r.se),
        column("outcome_scale_lower", &format!("{heading}, lower {}", percent(level)), |r| r.lower),
        column("outcome_scale_upper", &format!("{heading}, upper {}", percent(level)), |r| r.upper),
    ]
}
