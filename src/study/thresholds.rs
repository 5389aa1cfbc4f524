//! Shares of patients who meet a definition of response where nobody has an event and nobody is missing, without a draw.
//!
//! The scores at the baseline and at the visit are a normal pair, set to the instrument's bounds and rounded where the truth says so.
//! Every rule compares the score at the visit with a threshold that is a line in the score at the baseline. Given the baseline, the
//! axis of the later score therefore falls into cells in which a definition says one thing: one patient per cell is put to the
//! definition itself, and counts with the cell's probability, which is Φ at its ends. Over the baseline the probabilities are smooth
//! between the points at which lines cross, and are integrated from one such point to the next.

use super::truth::TrialTruth;
use crate::dist::normal;
use crate::dist::quadrature::gauss_legendre;
use crate::responders::{Definition, Rule, Status};
use crate::trial::{BaselineFrom, Outcome, Schedule, Trial};

/// How far the baseline is followed, in standard deviations: beyond lies 1e-20.
const REACH: f64 = 9.3;
/// The widest piece of a quadrature, in standard deviations of the baseline.
const PIECE: f64 = 0.5;
/// Whole scores that the baseline may have, at most.
const WHOLE: f64 = 1000.0;
/// A threshold this near to a whole number is one: 40 − 0.3 · 40 is 28.
const NEAR: f64 = 1e-9;

/// Shares of everyone in an arm.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Shares {
    pub met: f64,
    pub not_met: f64,
    /// Neither is known: a percentage of a baseline at the floor of its scale.
    pub unknown: f64,
}

/// A threshold as a line in the score at the baseline: slope and height.
type Line = (f64, f64);

/// The scores of an arm at the baseline and at a visit, before bounds and rounding.
struct Pair {
    means: [f64; 2],
    sd: [f64; 2],
    correlation: f64,
}

/// Scores at the visit about which a definition says one thing: one of them, and the values before rounding that lead there.
struct Cell {
    score: f64,
    low: f64,
    high: f64,
}

/// The shares of an arm at a visit after the baseline; `None` where the scores at both do not decide, or more than a number of
/// whole scores are possible.
pub(super) fn shares(truth: &TrialTruth, definition: &Definition, baseline: &BaselineFrom, arm: usize, visit: usize) -> Option<Shares> {
    let is_fixed = truth.d_sd == 0.0 && truth.uncertainty.is_none();
    let whole_bounds = truth.bounds.is_none_or(|(low, high)| low.fract() == 0.0 && high.fract() == 0.0);
    if visit == 0 || *baseline != BaselineFrom::Visit || !is_fixed || truth.whole && !whole_bounds {
        return None;
    }
    let (mut lines, mut required) = (vec![], vec![]);
    lines_of(&definition.rule, &truth.outcome, &mut lines)?;
    definition.required_at_baseline.iter().try_for_each(|rule| lines_of(rule, &truth.outcome, &mut required))?;
    let mut all = Shares::default();
    for (weight, shift) in shifts(truth) {
        let pair = Pair::of(truth, arm, visit, shift);
        let found = pair.shares(truth, definition, visit, &lines, &required)?;
        all.met += weight * found.met;
        all.not_met += weight * found.not_met;
        all.unknown += weight * found.unknown;
    }
    Some(all)
}

/// Adds the thresholds of a rule; `None` where it looks at something else than scores of the outcome.
fn lines_of(rule: &Rule, name: &str, lines: &mut Vec<Line>) -> Option<()> {
    let (outcome, line) = match rule {
        Rule::PointDrop { outcome, at_least } => (outcome, (1.0, -at_least)),
        Rule::PointRise { outcome, at_least } => (outcome, (1.0, *at_least)),
        Rule::PercentDrop { outcome, at_least, floor } => (outcome, (1.0 - at_least / 100.0, floor * at_least / 100.0)),
        Rule::ReliableDrop { outcome, sd, reliability, z } => (outcome, (1.0, -Rule::reliable_points(*sd, *reliability, *z))),
        Rule::Below { outcome, score } | Rule::AtMost { outcome, score } | Rule::AtLeast { outcome, score } => (outcome, (0.0, *score)),
        Rule::All(parts) | Rule::Any(parts) => return parts.iter().try_for_each(|part| lines_of(part, name, lines)),
        Rule::CovariateBelow { .. } | Rule::DiagnosisMet { .. } | Rule::DiagnosisNotMet { .. } => return None,
    };
    (outcome == name).then(|| lines.push(line))
}

/// What factors among the covariates add to all scores of a patient, with the shares of patients.
fn shifts(truth: &TrialTruth) -> Vec<(f64, f64)> {
    let mut all = vec![(1.0, 0.0)];
    for covariate in truth.covariates.iter().filter(|covariate| !covariate.levels.is_empty() && !covariate.effect.is_empty()) {
        let levels = || covariate.levels.values().zip(&covariate.effect).filter(|(share, _)| **share > 0.0);
        all = all.iter().flat_map(|(weight, shift)| levels().map(move |(share, effect)| (weight * share, shift + effect))).collect();
    }
    all
}

impl Pair {
    fn of(truth: &TrialTruth, arm: usize, visit: usize, shift: f64) -> Self {
        let numbers = truth.covariates.iter().filter(|covariate| covariate.levels.is_empty());
        let added: f64 = numbers.filter_map(|covariate| covariate.effect.first()).map(|effect| effect * effect).sum();
        let sd = [0, visit].map(|t| (truth.sd[t] * truth.sd[t] + added).sqrt());
        let covariance = truth.sd[0] * truth.sd[visit] * truth.correlation.at(0, visit) + added;
        Self { means: [0, visit].map(|t| truth.mean(arm, t) + shift), sd, correlation: covariance / (sd[0] * sd[1]) }
    }

    fn shares(&self, truth: &TrialTruth, definition: &Definition, visit: usize, lines: &[Line], required: &[Line]) -> Option<Shares> {
        let rule = gauss_legendre();
        let (mut scores, mut weights) = (vec![], vec![]);
        let spread = self.sd[1] * ((1.0 - self.correlation) * (1.0 + self.correlation)).max(0.0).sqrt();
        let slope = self.correlation * self.sd[1] / self.sd[0];
        for ends in self.pieces(truth, lines, required)?.windows(2) {
            let number = ((ends[1] - ends[0]) / (PIECE * self.sd[0])).ceil().max(1.0) as usize;
            for (y, weight) in rule.on(ends[0], ends[1], number) {
                let z = (y - self.means[0]) / self.sd[0];
                let density = weight * normal::pdf(z) / self.sd[0];
                let first = scored(truth, y);
                let mean = self.means[1] + slope * (y - self.means[0]);
                for cell in cells(truth, lines.iter().map(|(slope, height)| slope * first + height)) {
                    let [low, high] = [cell.low, cell.high].map(|end| (end - mean) / spread);
                    scores.extend([first, cell.score]);
                    weights.push(density * between(low, high));
                }
            }
        }
        let statuses = statuses(truth, definition, visit, scores)?;
        let of = |is: Status| statuses.iter().zip(&weights).filter(|(status, _)| **status == is).map(|(_, weight)| weight).sum::<f64>();
        let unknown = of(Status::Undecided) + of(Status::EligibilityUnknown);
        Some(Shares { met: of(Status::Met), not_met: of(Status::NotMet), unknown })
    }

    /// Ends of the pieces of the baseline on which everything is smooth, in order.
    fn pieces(&self, truth: &TrialTruth, lines: &[Line], required: &[Line]) -> Option<Vec<f64>> {
        let [low, high] = [-REACH, REACH].map(|z| self.means[0] + z * self.sd[0]);
        let mut ends = vec![low, high];
        if truth.whole {
            let (first, last) = (low.floor(), high.ceil());
            if last - first > WHOLE {
                return None;
            }
            ends.extend((0..=(last - first) as usize).map(|k| first + k as f64 + 0.5));
        } else {
            let bounds: Vec<f64> = truth.bounds.iter().flat_map(|(low, high)| [*low, *high]).collect();
            let mut all = lines.to_vec();
            all.extend(bounds.iter().map(|bound| (0.0, *bound)));
            let crossing = |a: &Line, b: &Line| (a.0 != b.0).then(|| (b.1 - a.1) / (a.0 - b.0));
            ends.extend((0..all.len()).flat_map(|k| all[..k].iter().filter_map(|other| crossing(&all[k], other)).collect::<Vec<_>>()));
            // What is asked at the baseline compares its score with itself, and so does the floor of a percentage.
            ends.extend(all.iter().chain(required).filter_map(|line| crossing(line, &(1.0, 0.0))));
            ends.extend(bounds);
        }
        ends.retain(|end| (low..=high).contains(end));
        ends.sort_by(f64::total_cmp);
        ends.dedup();
        Some(ends)
    }
}

/// A value as the instrument gives it.
pub(super) fn scored(truth: &TrialTruth, value: f64) -> f64 {
    let value = if truth.whole { value.round() } else { value };
    truth.bounds.map_or(value, |(low, high)| value.clamp(low, high))
}

/// The probability of a standard normal number between two.
fn between(low: f64, high: f64) -> f64 {
    if low > 0.0 { normal::sf(low) - normal::sf(high) } else { normal::cdf(high) - normal::cdf(low) }
}

/// The cells between some thresholds.
fn cells(truth: &TrialTruth, thresholds: impl Iterator<Item = f64>) -> Vec<Cell> {
    let (lowest, highest) = truth.bounds.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
    let mut cuts: Vec<f64> = thresholds.map(|cut| if (cut - cut.round()).abs() < NEAR { cut.round() } else { cut }).collect();
    cuts.retain(|cut| (lowest..=highest).contains(cut));
    cuts.extend([lowest, highest]);
    cuts.sort_by(f64::total_cmp);
    cuts.dedup();
    let mut all = vec![];
    for (k, &cut) in cuts.iter().enumerate() {
        let is_score = cut.is_finite() && (!truth.whole || cut.fract() == 0.0);
        // A single number has a probability where numbers are rounded, and at the bounds.
        if is_score && (truth.whole || cut == lowest || cut == highest) {
            let half = if truth.whole { 0.5 } else { 0.0 };
            let low = if cut == lowest { f64::NEG_INFINITY } else { cut - half };
            all.push(Cell { score: cut, low, high: if cut == highest { f64::INFINITY } else { cut + half } });
        }
        let Some(&next) = cuts.get(k + 1) else { continue };
        if truth.whole {
            let (first, last) = (cut.floor() + 1.0, next.ceil() - 1.0);
            if first <= last {
                let score = if first.is_finite() {
                    first
                } else if last.is_finite() {
                    last
                } else {
                    0.0
                };
                all.push(Cell { score, low: first - 0.5, high: last + 0.5 });
            }
        } else {
            let score = match (cut.is_finite(), next.is_finite()) {
                (true, true) => 0.5 * (cut + next),
                (true, false) => cut + 1.0,
                (false, true) => next - 1.0,
                (false, false) => 0.0,
            };
            all.push(Cell { score, low: cut, high: next });
        }
    }
    all
}

/// What a definition says of patients with these scores at the baseline and at the visit.
fn statuses(truth: &TrialTruth, definition: &Definition, visit: usize, scores: Vec<f64>) -> Option<Vec<Status>> {
    let patients = scores.len() / 2;
    let schedule = Schedule::of_labels([&truth.visits[0], &truth.visits[visit]]).with_baseline(&truth.visits[0]).ok()?;
    let trial = Trial::builder("cells of scores")
        .patients((0..patients).map(|i| i.to_string()))
        .arms(["all"], vec![0; patients])
        .schedule(schedule)
        .outcome(Outcome { name: truth.outcome.clone(), label: truth.outcome.clone(), range: truth.bounds, values: scores })
        .build()
        .ok()?;
    Some(definition.evaluate(&trial).ok()?.statuses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::{ArmTruth, Correlation};

    fn truth() -> TrialTruth {
        TrialTruth::new(["0", "1", "2"], [8.0, 10.0, 12.0], Correlation::Autoregressive(0.7)).arm(ArmTruth::new(
            "a",
            50,
            [30.0, 26.0, 22.0],
        ))
    }

    fn met(truth: &TrialTruth, rule: Rule) -> Shares {
        shares(truth, &Definition::new("it", rule), &BaselineFrom::Visit, 0, 2).expect("known")
    }

    /// A threshold on the score and one on its change are normal probabilities.
    #[test]
    fn thresholds_are_normal_probabilities() {
        let close = |found: Shares, expected: f64| {
            assert!((found.met - expected).abs() < 1e-12, "{found:?} for {expected}");
            assert!((found.met + found.not_met - 1.0).abs() < 1e-12 && found.unknown == 0.0, "{found:?}");
        };
        close(met(&truth(), Rule::below("y", 18.0)), normal::cdf((18.0 - 22.0) / 12.0));
        close(met(&truth(), Rule::at_least("y", 25.0)), normal::sf((25.0 - 22.0) / 12.0));
        let sd = (64.0 + 144.0 - 2.0 * 0.49 * 96.0_f64).sqrt();
        close(met(&truth(), Rule::point_drop("y", 10.0)), normal::sf((10.0 - 8.0) / sd));
        let covariates = TrialTruth { covariates: toml(), ..truth() };
        // A number adds its variance to both, a factor makes a mixture.
        let of = |shift: f64| normal::cdf((18.0 - 22.0 - shift) / (144.0_f64 + 9.0).sqrt());
        close(met(&covariates, Rule::below("y", 18.0)), 0.25 * of(0.0) + 0.75 * of(4.0));
        close(met(&covariates, Rule::point_drop("y", 10.0)), normal::sf((10.0 - 8.0) / sd));
    }

    fn toml() -> Vec<crate::study::CovariateTruth> {
        let text = "covariates = [{ name = 'age', effect = [3] }, { name = 'sex', levels = { f = 0.25, m = 0.75 }, effect = [0, 4] }]";
        let text = format!(
            "visits = ['0', '1']\nsd = [1, 1]\ncorrelation = {{ exchangeable = 0.5 }}\narms = [{{ name = 'a', patients = 9, means = [0, 0] }}]\n{text}"
        );
        TrialTruth::from_toml(&text).expect("a truth").covariates
    }

    /// Bounds, rounding, both, a percentage of a baseline at the floor, what is required at the baseline, and combinations: forty
    /// thousand patients say the same, to four standard errors.
    #[test]
    fn shares_are_those_of_a_large_draw() {
        const PATIENTS: usize = 40_000;
        let rules = [
            Rule::percent_drop("y", 30.0),
            Rule::percent_drop_from("y", 50.0, 20.0),
            Rule::any([Rule::at_most("y", 12.0), Rule::point_drop("y", 9.5)]),
            Rule::all([Rule::percent_drop("y", 25.0), Rule::below("y", 20.0), Rule::at_least("y", 5.0)]),
            Rule::point_rise("y", 2.0),
        ];
        for (bounds, whole) in [(None, false), (None, true), (Some((0.0, 40.0)), false), (Some((0.0, 40.0)), true)] {
            let mut truth = truth();
            (truth.bounds, truth.whole) = (bounds, whole);
            let trial = truth.with_patients(PATIENTS).trial(7, 0).expect("a trial");
            for rule in &rules {
                for required in [None, Some(Rule::at_least("y", 26.0))] {
                    let mut definition = Definition::new("it", rule.clone());
                    definition.required_at_baseline.clone_from(&required);
                    let found = shares(&truth, &definition, &BaselineFrom::Visit, 0, 2).expect("known");
                    let statuses = definition.evaluate(&trial).expect("statuses").statuses;
                    let share =
                        |is: Status| statuses.iter().skip(1).step_by(2).filter(|status| **status == is).count() as f64 / PATIENTS as f64;
                    let numbers = [(found.met, Status::Met), (found.not_met, Status::NotMet), (found.unknown, Status::Undecided)];
                    for (exact, status) in numbers {
                        let error = (exact * (1.0 - exact) / PATIENTS as f64).sqrt() + 1e-9;
                        assert!(
                            (exact - share(status)).abs() < 4.0 * error,
                            "{rule}, {bounds:?}, {whole}, {status:?}: {exact} {}",
                            share(status)
                        );
                    }
                }
            }
        }
    }
}
