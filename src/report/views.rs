//! Tables arranged as journals print them. Each is another arrangement of a result's own rows.

use super::condensed::minus_signs;
use super::suppressed::{FlowCounts, HIDDEN, Shown};
use crate::analysis::visit_in_prose;
use crate::responders::{Assumption, Comparison, Comparisons, Definition, Measure, Rate, Rates};
use crate::table::{Column, Format, Tabular};
use crate::trial::{Exclusion, FlowStep, Labelled};

/// Patients observed and analysed at each visit, a column an arm.
pub(super) struct ObservedAndAnalysed<'a> {
    counts: &'a FlowCounts<'a>,
    visits: Vec<String>,
}

/// The view of a flow over the scheduled visits.
pub(super) fn observed_and_analysed<'a>(counts: &'a FlowCounts<'a>, visits: &[String]) -> ObservedAndAnalysed<'a> {
    ObservedAndAnalysed { counts, visits: visits.to_vec() }
}

impl ObservedAndAnalysed<'_> {
    fn arms(&self) -> Vec<&str> {
        let mut arms: Vec<&str> = self.counts.flow.rows.iter().map(|r| r.arm.as_str()).collect();
        arms.dedup();
        arms
    }

    /// `81 / 81`, the visits, then the whole trial, then who was not analysed, reason by reason.
    fn cells(&self, arm: &str) -> Vec<String> {
        let text = |step: &FlowStep| self.counts.text(arm, step).unwrap_or(HIDDEN.into());
        let at = |visit: &String| {
            let (observed, analysed) = (FlowStep::Observed { visit: visit.clone() }, FlowStep::AnalysedAt { visit: visit.clone() });
            format!("{} / {}", text(&observed), text(&analysed))
        };
        let whole = format!("{HIDDEN} / {}", text(&FlowStep::Analysed));
        let reasons = self.reasons().into_iter().map(|reason| text(&FlowStep::NotAnalysed { reason }));
        self.visits.iter().map(at).chain([whole]).chain(reasons).collect()
    }

    /// Why patients were not analysed, each reason once.
    fn reasons(&self) -> Vec<Exclusion> {
        let mut found = vec![];
        for row in &self.counts.flow.rows {
            if let FlowStep::NotAnalysed { reason } = &row.step
                && !found.contains(reason)
            {
                found.push(reason.clone());
            }
        }
        found
    }
}

impl Tabular for ObservedAndAnalysed<'_> {
    fn title(&self) -> String {
        format!("{}: patients observed / analysed, and who was not analysed", self.counts.flow.label)
    }

    fn columns(&self) -> Vec<Column> {
        let reasons = self.reasons().into_iter().map(|reason| format!("not analysed: {}", reason.text()));
        let labels = self.visits.iter().map(|v| visit_in_prose(v)).chain(["any visit".into()]).chain(reasons);
        let mut columns = vec![Column::text("visit", "Visit", labels)];
        for arm in self.arms() {
            let heading = format!("{arm} (n = {})", self.counts.flow.count(arm, &FlowStep::Randomized));
            columns.push(Column::text(arm.to_string(), &heading, self.cells(arm)));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec!["n: randomized. A dash after the slash: not an analysed visit.".into()];
        notes.extend(self.counts.flow.notes());
        notes.extend(self.counts.note());
        notes
    }
}

/// Rates with their definitions in words, the visit in the title.
pub(super) struct RatesInWords<'a> {
    pub rates: &'a Rates,
    /// The same, as far as it is shown.
    pub shown: &'a Shown<'a>,
    pub visit: String,
}

impl Tabular for RatesInWords<'_> {
    fn title(&self) -> String {
        format!("Response and remission at {}, by arm", self.visit)
    }

    fn columns(&self) -> Vec<Column> {
        let lines = self.lines();
        let ineligible = self.rates.rows.iter().any(|r| r.not_eligible > 0);
        let heading = if ineligible { "observed, of eligible; the others" } else { "observed, of randomized" };
        let unobserved = |line: &(&str, Option<Assumption>)| line.1.map_or(heading.into(), |a| format!("unobserved {}", a.words()));
        let mut columns = vec![
            Column::text("definition", "Definition", lines.iter().map(|(d, _)| definition_label(&self.rates.definitions, d))),
            Column::text("unobserved", "n/N: rate (CI)", lines.iter().map(unobserved)),
        ];
        for arm in self.arms() {
            let cell = |&(definition, assumption): &(&str, Option<Assumption>)| {
                let own = |k: &usize| self.rates.rows[*k].arm.index == arm.index && self.rates.rows[*k].definition == definition;
                let mut of_arm = (0..self.rates.rows.len()).filter(own);
                let row = match assumption {
                    None => of_arm.next(),
                    Some(a) => of_arm.find(|&k| self.rates.rows[k].unobserved == a),
                };
                let Some((row, r)) = row.map(|k| (k, &self.rates.rows[k])) else { return String::new() };
                match assumption {
                    _ if self.shown.hides(row) => HIDDEN.into(),
                    None => counted(r, ineligible),
                    Some(_) => written(r),
                }
            };
            columns.push(Column::text(arm.label.clone(), &arm.label, lines.iter().map(cell)));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.shown.notes()
    }
}

impl RatesInWords<'_> {
    fn arms(&self) -> Vec<&Labelled> {
        let mut arms: Vec<&Labelled> = vec![];
        self.rates.rows.iter().for_each(|r| {
            if !arms.contains(&&r.arm) {
                arms.push(&r.arm);
            }
        });
        arms
    }

    /// Every definition with each way to treat the unobserved, after how many were observed.
    fn lines(&self) -> Vec<(&str, Option<Assumption>)> {
        let mut lines: Vec<(&str, Option<Assumption>)> = vec![];
        for row in &self.rates.rows {
            for line in [(row.definition.as_str(), None), (row.definition.as_str(), Some(row.unobserved))] {
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
        }
        lines
    }
}

/// `50 of 60; 4 unobserved, 6 undecided; 6 not eligible`: who is in which denominator, and why not. Where nobody is known
/// not to be eligible and nobody undecided, `60 of 66` says it all.
fn counted(rate: &Rate, ineligible: bool) -> String {
    let mut text = format!("{} of {}", rate.observed, rate.eligible());
    if rate.undecided + rate.eligibility_unknown > 0 || ineligible && rate.observed < rate.eligible() {
        text += &format!("; {}", rate.unknown_in_words());
    }
    if rate.not_eligible > 0 { text + &format!("; {} not eligible", rate.not_eligible) } else { text }
}

/// `19/66: 28.8% (19.3 to 40.6)`.
fn written(rate: &Rate) -> String {
    format!("{}/{}: {}", rate.met, rate.of, interval(rate.rate, Format::Percent))
}

/// Comparisons with their definitions in words, arms and visit in the title.
pub(super) struct ComparisonsInWords<'a> {
    pub comparisons: &'a Comparisons,
    /// Rows that are not shown.
    pub hidden: &'a [bool],
    pub note: Option<String>,
    pub visit: String,
}

impl Tabular for ComparisonsInWords<'_> {
    fn title(&self) -> String {
        let arms = self.comparisons.only_pair().map_or("arms compared".into(), |(arm, reference)| format!("{arm} against {reference}"));
        format!("Response and remission at {}: {arms}", self.visit)
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.comparisons.rows.iter();
        let shown = || rows().zip(self.hidden.iter().copied());
        let two = Format::Decimals(2);
        let measure = |name: &'static str, heading: &str, format: Format, of: fn(&Comparison) -> Measure| {
            Column::text(name, heading, shown().map(|(r, hidden)| if hidden { HIDDEN.into() } else { interval(of(r), format) }))
        };
        let mut columns =
            vec![Column::text("definition", "Definition", rows().map(|r| definition_label(&self.comparisons.definitions, &r.definition)))];
        if self.comparisons.only_pair().is_none() {
            columns.push(Column::text("arms", "Arms", rows().map(|r| format!("{} against {}", r.arm, r.reference))));
        }
        columns.extend([
            Column::text("unobserved", "Unobserved", rows().map(|r| r.unobserved.words())),
            measure("risk_difference", "Difference (CI)", Format::Percent, |r| r.difference),
            measure("risk_ratio", "Risk ratio (CI)", two, |r| r.risk_ratio),
            measure("odds_ratio", "Odds ratio (CI)", two, |r| r.odds_ratio),
            Column::text(
                "number_needed",
                "Number needed to treat",
                shown().map(|(r, hidden)| if hidden { HIDDEN.into() } else { r.number_needed.to_string() }),
            ),
        ]);
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.comparisons.notes().into_iter().chain(self.note.clone()).collect()
    }
}

pub(super) fn definition_label(definitions: &[Definition], name: &str) -> String {
    definitions.iter().find(|d| d.name == name).map_or(name, |d| &d.label).to_string()
}

/// `27.7% (18.3 to 39.6)`.
pub(super) fn interval(measure: Measure, format: Format) -> String {
    let end = |x: f64| format.apply(x).trim_end_matches('%').to_string();
    let text = if measure.estimate.is_nan() {
        "–".into()
    } else if measure.lower.is_nan() || measure.upper.is_nan() {
        format.apply(measure.estimate)
    } else {
        format!("{} ({} to {})", format.apply(measure.estimate), end(measure.lower), end(measure.upper))
    };
    minus_signs(&text)
}
