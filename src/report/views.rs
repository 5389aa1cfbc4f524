//! Tables arranged as journals print them. Each is another arrangement of a result's own rows.

use super::condensed::minus_signs;
use crate::analysis::visit_in_prose;
use crate::responders::{Assumption, Comparison, Comparisons, Definition, Measure, Rate, Rates};
use crate::table::{Column, Format, Tabular};
use crate::trial::{FlowStep, Labelled, ParticipantFlow};

/// Patients observed and analysed at each visit, a column an arm.
pub(super) struct ObservedAndAnalysed<'a> {
    flow: &'a ParticipantFlow,
    visits: Vec<String>,
}

/// The view of a flow over the scheduled visits.
pub(super) fn observed_and_analysed<'a>(flow: &'a ParticipantFlow, visits: &[String]) -> ObservedAndAnalysed<'a> {
    ObservedAndAnalysed { flow, visits: visits.to_vec() }
}

impl ObservedAndAnalysed<'_> {
    fn arms(&self) -> Vec<&str> {
        let mut arms: Vec<&str> = self.flow.rows.iter().map(|r| r.arm.as_str()).collect();
        arms.dedup();
        arms
    }

    /// `81 / 81`, the visits and then the whole trial.
    fn cells(&self, arm: &str) -> Vec<String> {
        let at = |visit: &String| {
            let observed = self.flow.count(arm, &FlowStep::Observed { visit: visit.clone() });
            let step = FlowStep::AnalysedAt { visit: visit.clone() };
            let analysed = self.flow.rows.iter().find(|r| r.arm == arm && r.step == step).map_or("–".into(), |r| r.n.to_string());
            format!("{observed} / {analysed}")
        };
        let whole = format!("– / {}", self.flow.count(arm, &FlowStep::Analysed));
        self.visits.iter().map(at).chain([whole]).collect()
    }
}

impl Tabular for ObservedAndAnalysed<'_> {
    fn title(&self) -> String {
        format!("{}: patients observed / analysed", self.flow.label)
    }

    fn columns(&self) -> Vec<Column> {
        let labels = self.visits.iter().map(|v| visit_in_prose(v)).chain(["any visit".into()]);
        let mut columns = vec![Column::text("visit", "Visit", labels)];
        for arm in self.arms() {
            let heading = format!("{arm} (n = {})", self.flow.count(arm, &FlowStep::Randomized));
            columns.push(Column::text(arm.to_string(), &heading, self.cells(arm)));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec!["n: randomized. –: not an analysed visit.".into()];
        notes.extend(self.flow.notes());
        notes
    }
}

/// Rates with their definitions in words, the visit in the title.
pub(super) struct RatesInWords<'a> {
    pub rates: &'a Rates,
    pub visit: String,
}

impl Tabular for RatesInWords<'_> {
    fn title(&self) -> String {
        format!("Response and remission at {}, by arm", self.visit)
    }

    fn columns(&self) -> Vec<Column> {
        let lines = self.lines();
        let unobserved =
            |line: &(&str, Option<Assumption>)| line.1.map_or("observed, of randomized".into(), |a| format!("unobserved {}", a.words()));
        let mut columns = vec![
            Column::text("definition", "Definition", lines.iter().map(|(d, _)| label(&self.rates.definitions, d))),
            Column::text("unobserved", "n/N: rate (CI)", lines.iter().map(unobserved)),
        ];
        for arm in self.arms() {
            let cell = |&(definition, assumption): &(&str, Option<Assumption>)| {
                let of_arm = self.rates.rows.iter().filter(|r| r.arm.index == arm.index && r.definition == definition);
                match assumption {
                    None => of_arm.map(|r| format!("{} of {}", r.observed, r.randomized)).next(),
                    Some(a) => of_arm.filter(|r| r.unobserved == a).map(written).next(),
                }
                .unwrap_or_default()
            };
            columns.push(Column::text(arm.label.clone(), &arm.label, lines.iter().map(cell)));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.rates.notes()
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

/// `19/66: 28.8% (19.3 to 40.6)`.
fn written(rate: &Rate) -> String {
    format!("{}/{}: {}", rate.met, rate.of, interval(rate.rate, Format::Percent))
}

/// Comparisons with their definitions in words, arms and visit in the title.
pub(super) struct ComparisonsInWords<'a> {
    pub comparisons: &'a Comparisons,
    pub visit: String,
}

impl Tabular for ComparisonsInWords<'_> {
    fn title(&self) -> String {
        let arms = self.comparisons.only_pair().map_or("arms compared".into(), |(arm, reference)| format!("{arm} against {reference}"));
        format!("Response and remission at {}: {arms}", self.visit)
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.comparisons.rows.iter();
        let two = Format::Decimals(2);
        let measure = |name: &'static str, heading: &str, format: Format, of: fn(&Comparison) -> Measure| {
            Column::text(name, heading, rows().map(|r| interval(of(r), format)))
        };
        let mut columns =
            vec![Column::text("definition", "Definition", rows().map(|r| label(&self.comparisons.definitions, &r.definition)))];
        if self.comparisons.only_pair().is_none() {
            columns.push(Column::text("arms", "Arms", rows().map(|r| format!("{} against {}", r.arm, r.reference))));
        }
        columns.extend([
            Column::text("unobserved", "Unobserved", rows().map(|r| r.unobserved.words())),
            measure("risk_difference", "Difference (CI)", Format::Percent, |r| r.difference),
            measure("risk_ratio", "Risk ratio (CI)", two, |r| r.risk_ratio),
            measure("odds_ratio", "Odds ratio (CI)", two, |r| r.odds_ratio),
            Column::text("number_needed", "Number needed to treat", rows().map(|r| r.number_needed.to_string())),
        ]);
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.comparisons.notes()
    }
}

fn label(definitions: &[Definition], name: &str) -> String {
    definitions.iter().find(|d| d.name == name).map_or(name, |d| &d.label).to_string()
}

/// `27.7% (18.3 to 39.6)`.
fn interval(measure: Measure, format: Format) -> String {
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
