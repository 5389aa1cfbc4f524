//! A common difference of proportions over strata.

use super::difference::{DifferenceMethod, bounded, difference};
use super::proportion::{Measure, deviate};
use super::root::root;
use super::score::{Effect, Pair};
use super::strata::Strata;
use crate::error::Result;
use crate::options::choices;

/// How a common difference of proportions over strata is estimated, with what interval.
///
/// All but [`SummaryScore`](Self::SummaryScore) and [`NewcombeShortest`](Self::NewcombeShortest) weight the strata's differences by
/// Mantel and Haenszel's n₁n₂/n, and have the same estimate.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StratifiedDifferenceMethod {
    /// d̂ ± z σ̂ with Sato's variance, which holds in many small strata and in few large ones (Sato 1989, *Biometrics*
    /// 45:1323–1324); SAS's `COMMONRISKDIFF(CL=MH)`.
    MantelHaenszel,
    /// d̂ ± z σ̂ with the variance of Greenland and Robins 1985, *Biometrics* 41:55–68, equation 15.
    GreenlandRobins,
    /// Newcombe's limits from stratified Wilson limits (Yan and Su 2010, *Statistics in Biopharmaceutical Research* 2:329–335),
    /// with weights of Mantel and Haenszel; SAS's `COMMONRISKDIFF(CL=NEWCOMBE)`.
    Newcombe,
    /// The same with Yan and Su's weights, which make the stratified Wilson interval of all patients short.
    NewcombeShortest,
    /// The δ that the stratified score test does not reject (Miettinen and Nurminen 1985, *Statistics in Medicine* 4:213–226, with
    /// weights of Mantel and Haenszel).
    MiettinenNurminen,
    /// Midpoints of the strata's intervals of Miettinen and Nurminen, weighted by their squared inverse widths (Agresti 2013,
    /// *Categorical Data Analysis*, p. 231); SAS's `COMMONRISKDIFF(CL=SCORE)`.
    SummaryScore,
}

choices! {
    StratifiedDifferenceMethod, "interval for a common difference of proportions":
    MantelHaenszel = "mantel-haenszel", ["mh", "sato"], "Mantel–Haenszel (Sato variance)";
    GreenlandRobins = "greenland-robins", [], "Mantel–Haenszel (Greenland–Robins variance)";
    Newcombe = "newcombe", [], "Newcombe, stratified (Mantel–Haenszel weights)";
    NewcombeShortest = "newcombe-shortest", ["yan-su"], "Newcombe, stratified (Yan–Su weights)";
    MiettinenNurminen = "miettinen-nurminen", ["mn"], "Miettinen–Nurminen, stratified";
    SummaryScore = "summary-score", [], "Summary score";
}

impl Strata {
    /// p₁ − p₂ common to the strata, by any method.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if `level` is not between 0 and 1.
    pub fn difference(&self, method: StratifiedDifferenceMethod, level: f64) -> Result<Measure> {
        let z = deviate(level)?;
        let estimate = weighted(&self.weights(), &self.differences());
        let around = |half: f64| Measure::new(estimate, (estimate - half).max(-1.0), (estimate + half).min(1.0));
        Ok(match method {
            StratifiedDifferenceMethod::MantelHaenszel => around(z * self.sato(estimate).sqrt()),
            StratifiedDifferenceMethod::GreenlandRobins => around(z * self.greenland_robins().sqrt()),
            StratifiedDifferenceMethod::Newcombe => self.newcombe(&self.weights(), z),
            StratifiedDifferenceMethod::NewcombeShortest => self.newcombe(&self.shortest_weights(z), z),
            StratifiedDifferenceMethod::MiettinenNurminen => self.score_interval(estimate, z),
            StratifiedDifferenceMethod::SummaryScore => self.summary_score(z, level)?,
        })
    }

    fn differences(&self) -> Vec<f64> {
        self.pairs.iter().map(|pair| pair.first.share() - pair.second.share()).collect()
    }

    fn sato(&self, estimate: f64) -> f64 {
        let p = self.sum(|[x1, n1, x2, n2]| (n1 * n1 * x2 - n2 * n2 * x1 + n1 * n2 * (n2 - n1) / 2.0) / (n1 + n2).powi(2));
        let q = self.sum(|[x1, n1, x2, n2]| (x1 * (n2 - x2) + x2 * (n1 - x1)) / (2.0 * (n1 + n2)));
        ((estimate * p + q) / self.weights().iter().sum::<f64>().powi(2)).max(0.0)
    }

    fn greenland_robins(&self) -> f64 {
        let terms =
            self.sum(|[x1, n1, x2, n2]| (x1 * (n1 - x1) * n2.powi(3) + x2 * (n2 - x2) * n1.powi(3)) / (n1 * n2 * (n1 + n2).powi(2)));
        terms / self.weights().iter().sum::<f64>().powi(2)
    }

    /// Newcombe's limits from the stratified Wilson limits of both groups.
    fn newcombe(&self, weights: &[f64], z: f64) -> Measure {
        let estimate = weighted(weights, &self.differences());
        let group = |of: fn(&Pair) -> super::Proportion| Group(self.pairs.iter().map(of).collect());
        let (first, second) = (group(|pair| pair.first), group(|pair| pair.second));
        let ((l1, u1), (l2, u2)) = (first.wilson(weights, z), second.wilson(weights, z));
        let (spread1, spread2) = (first.spread(weights), second.spread(weights));
        let half = |a: f64, b: f64| z * (spread1 * a * (1.0 - a) + spread2 * b * (1.0 - b)).max(0.0).sqrt();
        Measure::new(estimate, (estimate - half(l1, u2)).max(-1.0), (estimate + half(u1, l2)).min(1.0))
    }

    /// Yan and Su's weights, from the patients of both groups together.
    fn shortest_weights(&self, z: f64) -> Vec<f64> {
        let all = Group(
            self.pairs
                .iter()
                .map(|pair| super::Proportion { met: pair.first.met + pair.second.met, of: pair.first.of + pair.second.of })
                .collect(),
        );
        all.shortest_weights(z)
    }

    /// The differences at which the stratified score statistic is ±z.
    fn score_interval(&self, estimate: f64, z: f64) -> Measure {
        let weights = self.weights();
        let statistic = |delta: f64| {
            let variance: f64 = self
                .pairs
                .iter()
                .zip(&weights)
                .map(|(pair, w)| {
                    let [p1, p2] = Effect::Difference.restricted(*pair, delta);
                    let [_, n1, _, n2] = pair.counts();
                    w * w * (p1 * (1.0 - p1) / n1 + p2 * (1.0 - p2) / n2) * pair.correction().powi(2)
                })
                .sum();
            let excess = (estimate - delta) * weights.iter().sum::<f64>();
            if excess == 0.0 { 0.0 } else { bounded(excess / variance.max(0.0).sqrt()) }
        };
        let crossing = |end: f64, target: f64| match estimate == end {
            true => end,
            false => root(end, estimate, |delta| statistic(delta) - target),
        };
        Measure::new(estimate, crossing(-1.0, z), crossing(1.0, -z))
    }

    fn summary_score(&self, z: f64, level: f64) -> Result<Measure> {
        let (mut precision, mut sum) = (0.0, 0.0);
        for pair in &self.pairs {
            let interval = difference(pair.first, pair.second, DifferenceMethod::MiettinenNurminen, level)?;
            let (middle, error) = (0.5 * (interval.lower + interval.upper), (interval.upper - interval.lower) / (2.0 * z));
            precision += error.powi(-2);
            sum += middle * error.powi(-2);
        }
        let (estimate, half) = (sum / precision, z / precision.sqrt());
        Ok(Measure::new(estimate, (estimate - half).max(-1.0), (estimate + half).min(1.0)))
    }
}

/// One group's proportions by stratum.
struct Group(Vec<super::Proportion>);

impl Group {
    /// p̂q̂/n of each stratum.
    fn variances(&self) -> Vec<f64> {
        self.0.iter().map(|p| p.share() * (1.0 - p.share()) / p.of as f64).collect()
    }

    /// Σ w²/n with weights that sum to one.
    fn spread(&self, weights: &[f64]) -> f64 {
        let total: f64 = weights.iter().sum();
        self.0.iter().zip(weights).map(|(p, w)| (w / total).powi(2) / p.of as f64).sum()
    }

    /// The deviate at which the strata's own intervals add up to one of the level asked for.
    fn deviate(&self, weights: &[f64], z: f64) -> f64 {
        let variances = self.variances();
        let squares: f64 = variances.iter().zip(weights).map(|(v, w)| w * w * v).sum();
        let sum: f64 = variances.iter().zip(weights).map(|(v, w)| w * v.sqrt()).sum();
        // Where no stratum varies, the strata count as if they varied alike.
        match sum > 0.0 {
            true => z * squares.sqrt() / sum,
            false => z * weights.iter().map(|w| w * w).sum::<f64>().sqrt() / weights.iter().sum::<f64>(),
        }
    }

    /// The stratified Wilson limits.
    fn wilson(&self, weights: &[f64], z: f64) -> (f64, f64) {
        let z = self.deviate(weights, z);
        let limits: Vec<Measure> = self.0.iter().map(|p| p.score_interval(z)).collect();
        let mean = |of: fn(&Measure) -> f64| weighted(weights, &limits.iter().map(of).collect::<Vec<_>>());
        (mean(|m| m.lower), mean(|m| m.upper))
    }

    /// The weights that minimise the sum of the strata's squared lengths, by Yan and Su's iteration.
    fn shortest_weights(&self, z: f64) -> Vec<f64> {
        let variances = self.variances();
        let mut weights = vec![1.0 / self.0.len() as f64; self.0.len()];
        for _ in 0..1000 {
            let z = self.deviate(&weights, z);
            let raw = self.0.iter().zip(&variances).map(|(p, v)| {
                let n = p.of as f64;
                (1.0 + z * z / n).powi(2) / (v + z * z / (4.0 * n * n))
            });
            let raw: Vec<f64> = raw.collect();
            let total: f64 = raw.iter().sum();
            let next: Vec<f64> = raw.iter().map(|w| w / total).collect();
            let change: f64 = next.iter().zip(&weights).map(|(a, b)| (a - b).abs()).sum();
            weights = next;
            if change < 1e-15 {
                break;
            }
        }
        weights
    }
}

fn weighted(weights: &[f64], values: &[f64]) -> f64 {
    weights.iter().zip(values).map(|(w, x)| w * x).sum::<f64>() / weights.iter().sum::<f64>()
}
