//! How sentences put numbers: estimates with intervals, tests and p-values, in the style of the report.

use super::methods::percent;
use super::outcome::number;
use super::words::Text;
use crate::analysis::ReportStyle;
use crate::inference::FTest;
use crate::means::Contrast;
use crate::table::Format;

/// An estimate that has digits by its standard error, with its interval and test.
pub(super) struct Tested<'a> {
    pub estimate: &'a crate::estimates::Estimate,
    pub lower: f64,
    pub upper: f64,
    pub level: f64,
}

impl<'a> Tested<'a> {
    pub fn of(contrast: &'a Contrast, level: f64) -> Self {
        Self { estimate: &contrast.estimate, lower: contrast.lower, upper: contrast.upper, level }
    }

    fn by_error(&self, x: f64) -> String {
        super::outcome::by_error(x, self.estimate.se)
    }

    /// `−0.20, 95% CI [−5.64, 5.24]`, or `−0.20 (95% CI: −5.64 to 5.24)`.
    pub fn with_interval(&self, style: ReportStyle) -> String {
        let [estimate, lower, upper] = [self.estimate.estimate, self.lower, self.upper].map(|x| self.by_error(x));
        format!("{estimate}{}", interval(style, self.level, &lower, &upper))
    }

    /// With the test after it: *t*(116.1) = −0.07, *p* = .941.
    pub fn with_test(&self, style: ReportStyle) -> Text {
        let text = Text::from(format!("{}, ", self.with_interval(style)));
        let (df, t) = (number(self.estimate.df, 1), number(self.estimate.t, 2));
        let text = match style {
            ReportStyle::Csr => text.then(format!("t = {t}, df = {df}")),
            _ => text.italic("t").then(format!("({df}) = {t}")),
        };
        text.then(", ").then(p(style, self.estimate.p))
    }
}

/// What follows an estimate: `, 95% CI [l, u]` or ` (95% CI: l to u)`.
pub(super) fn interval(style: ReportStyle, level: f64, lower: &str, upper: &str) -> String {
    match style {
        ReportStyle::Csr => format!(" ({}% CI: {lower} to {upper})", percent(level)),
        _ => format!(", {}% CI [{lower}, {upper}]", percent(level)),
    }
}

/// *p* = .941, or p = 0.941.
pub(super) fn p(style: ReportStyle, p: f64) -> Text {
    let text = Format::PValue.apply(p);
    let (sign, text) = match text.strip_prefix("< ") {
        Some(text) => ("<", text.to_string()),
        None => ("=", text),
    };
    match style {
        // APA leaves out the zero before the point where a number cannot exceed 1.
        ReportStyle::Csr => Text::from(format!("p {sign} {}{text}", if text.starts_with('.') { "0" } else { "" })),
        _ => Text::new().italic("p").then(format!(" {sign} {text}")),
    }
}

/// *F*(4, 116.3) = 0.32, *p* = .864.
pub(super) fn joint(style: ReportStyle, test: &FTest) -> Text {
    let (num, denom, f) = (number(test.num_df, 0), number(test.denom_df, 1), number(test.f, 2));
    let text = match style {
        ReportStyle::Csr => Text::from(format!("F = {f}, df = {num} and {denom}")),
        _ => Text::new().italic("F").then(format!("({num}, {denom}) = {f}")),
    };
    text.then(", ").then(p(style, test.p))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Emphasis;

    #[test]
    fn p_values_are_those_of_their_style() {
        let shown = |style, x| p(style, x).to_string();
        assert_eq!([0.9412, 0.0004, 0.0312].map(|x| shown(ReportStyle::Apa, x)), ["p = .941", "p < .001", "p = .031"]);
        assert_eq!([0.9412, 0.0004, 1.0].map(|x| shown(ReportStyle::Csr, x)), ["p = 0.941", "p < 0.001", "p = 1.000"]);
        assert_eq!(p(ReportStyle::Apa, 0.5).runs()[0].emphasis, Emphasis::Italic);
        assert_eq!(interval(ReportStyle::Apa, 0.95, "−5.64", "5.24"), ", 95% CI [−5.64, 5.24]");
        assert_eq!(interval(ReportStyle::Csr, 0.975, "−5.64", "5.24"), " (97.5% CI: −5.64 to 5.24)");
    }
}
