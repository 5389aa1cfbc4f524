//! The findings in a page of text.

use std::fmt::Write as _;

use super::{AnalysisResult, OutcomeResult};
use crate::responders::Assumption;
use crate::table::layout::{paragraph, wrapped};
use crate::table::{Format, counted};

const WIDTH: usize = 80;

impl AnalysisResult {
    /// The findings in a page of text, made to fit 80 characters: who was analysed, and at the visit of primary
    /// interest the means, the difference between arms, effect sizes and rates.
    pub fn summary(&self) -> String {
        let mut out = String::new();
        let arms: Vec<String> = self.trial.arms.iter().zip(&self.trial.randomized).map(|(arm, n)| format!("{arm} {n}")).collect();
        let randomized: usize = self.trial.randomized.iter().sum();
        let text =
            format!("{} randomized: {}. Everyone is counted in the arm of randomization.", counted(randomized, "patient"), arms.join(", "));
        out.push_str(&paragraph(&text, WIDTH));
        for outcome in &self.outcomes {
            out.push('\n');
            self.write_outcome(&mut out, outcome);
        }
        self.write_rates(&mut out);
        out
    }

    fn write_outcome(&self, out: &mut String, outcome: &OutcomeResult) {
        let level = 100.0 * self.plan.level;
        let _ = writeln!(
            out,
            "{} at {} ({}, {} analysed)",
            outcome.label,
            self.plan.visit(),
            counted(outcome.model.patients, "patient"),
            counted(outcome.model.observations, "observation")
        );
        let line = |label: &str, se: f64, [estimate, lower, upper]: [f64; 3], rest: &str| {
            if estimate.is_nan() {
                return format!("  {label:<32} not estimable\n");
            }
            let [e, l, u] = [estimate, lower, upper].map(|x| Format::of_error(se).apply(x));
            format!("  {label:<32} {e:>7}  {level}% CI {l:>7} to {u:>7}{rest}\n")
        };
        if !outcome.is_observed_at(&self.plan.at) {
            out.push_str("  nobody has an analysed observation at this visit\n");
        }
        for arm in &self.trial.arms {
            if let Some(m) = outcome.mean(arm, &self.plan.at) {
                out.push_str(&line(&format!("mean, {arm}"), m.estimate.se, [m.estimate.estimate, m.lower, m.upper], ""));
            }
        }
        for c in outcome.changes_at(&self.plan.at) {
            out.push_str(&line(&format!("change, {}", c.compared), c.estimate.se, [c.estimate.estimate, c.lower, c.upper], ""));
        }
        for c in outcome.contrasts_at(&self.plan.at) {
            let p = format!("  p {}", equals(&Format::PValue.apply(c.estimate.p)));
            out.push_str(&line(&c.label(), c.estimate.se, [c.estimate.estimate, c.lower, c.upper], &p));
        }
        // One interval method is enough here; the report has all.
        for table in outcome.effects.within.first().into_iter().chain(outcome.effects.between.first()) {
            for row in &table.rows {
                let what = row.versus.as_ref().map_or(row.arm.label.clone(), |versus| format!("{} against {versus}", row.arm));
                out.push_str(&line(&format!("{}, {what}", table.correction.letter()), f64::NAN, [row.effect, row.lower, row.upper], ""));
            }
        }
        let made = outcome.model.notes.first().map_or("", |n| n.trim_end_matches('.'));
        let effects = outcome.effects.within.iter().chain(&outcome.effects.between).next();
        let effects = effects.map(|t| format!(" {}: over the {}.", t.correction.letter(), t.denominator.words())).unwrap_or_default();
        for line in wrapped(&format!("{}; {made}.{effects}", outcome.model.formula), WIDTH - 2) {
            let _ = writeln!(out, "  {line}");
        }
    }

    /// Rates under the first way to treat the unobserved.
    fn write_rates(&self, out: &mut String) {
        let Some(rates) = &self.rates else { return };
        let shown = rates.rows.first().map(|r| r.unobserved);
        let _ = writeln!(out, "\nResponse and remission at {} (unobserved: {})", self.plan.visit(), shown.map_or("", Assumption::words));
        let width = rates.definitions.iter().map(|d| d.label.chars().count()).max().unwrap_or(0);
        let column = |arm: &str| arm.chars().count().max(6);
        let line = |label: &str, cells: Vec<String>| format!("  {label:<width$}  {}\n", cells.join("  "));
        out.push_str(&line("", self.trial.arms.iter().map(|a| format!("{a:>0$}", column(a))).collect()));
        for definition in &rates.definitions {
            let of = |arm: usize| {
                let mut own = rates.rows.iter().filter(|r| r.definition == definition.name && Some(r.unobserved) == shown);
                own.find(|r| r.arm.index == arm).map_or(f64::NAN, |r| r.rate.estimate)
            };
            let cell = |(k, arm): (usize, &String)| format!("{:>1$}", share(of(k)), column(arm));
            out.push_str(&line(&definition.label, self.trial.arms.iter().enumerate().map(cell).collect()));
        }
    }
}

/// A share; a dash where nobody was observed.
fn share(rate: f64) -> String {
    if rate.is_nan() { "–".into() } else { Format::Percent.apply(rate) }
}

fn equals(p: &str) -> String {
    if p.starts_with('<') { p.into() } else { format!("= {p}") }
}
