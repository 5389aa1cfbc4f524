//! Where the conclusion turns by multiple imputation. Data sets are drawn once and shifted.
//!
//! A shift s adds s·w to the outcomes at the visit, w being 1 for imputed values after the event. With M = I − W(W'W)⁻¹W' the
//! estimate of a data set is θ_m + s·l'(W'W)⁻¹W'w and its residual sum of squares y'My + 2s·y'Mw + s²·w'Mw: three numbers
//! of each data set give Rubin's rules for every shift, and the variance between data sets is the same for all.

use super::ancova::Ancova;
use super::drawn_shares::{ShareSet, ShareSets};
use super::draws::Draws;
use super::imputations::Imputations;
use super::pooling::{Rule, Scalar, pooled, quantile};
use super::tipping::{Linear, Shifted, Spread, Tipping, combinations, indicators, interpolated, turn};
use super::tipping_measure::Met;
use crate::dist::normal;
use crate::error::Result;
use crate::table::{Column, Format};

/// The grid of a tipping point evaluated on drawn data sets and pooled by Rubin's rules, beside the closed form.
///
/// Rubin's rules are information-anchored, and the standard errors of the closed form are over repetitions of the trial: the
/// two need not turn at the same amount. The data sets are drawn once and shifted.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct DrawnTipping {
    /// How the data sets were drawn.
    pub draws: Draws,
    /// How many they are.
    pub sets: usize,
    /// Every combination of the two shifts, as the rows of the closed form.
    pub rows: Vec<DrawnShift>,
    /// For each shift of `versus` where the conclusion turns.
    pub turns: Vec<DrawnTurn>,
}

/// The pooled difference under one pair of shifts.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct DrawnShift {
    /// What is added to imputed values of the arm, in units of the outcome.
    pub arm: f64,
    /// What is added to those of the other.
    pub versus: f64,
    /// The pooled estimate.
    pub estimate: f64,
    /// Its standard error by Rubin's rules.
    pub se: f64,
    /// Its degrees of freedom (Barnard and Rubin 1999); infinite of shares.
    pub df: f64,
    /// Lower confidence limit.
    pub lower: f64,
    /// Upper confidence limit.
    pub upper: f64,
    /// Two-sided p-value of zero.
    pub p: f64,
    /// The standard deviation of the estimate over repetitions of the drawing.
    pub monte_carlo_error: f64,
}

/// Where the conclusion turns by draws.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct DrawnTurn {
    /// What is added to imputed values of the arm that is subtracted.
    pub versus: f64,
    /// What has to be added to those of the other arm for the confidence interval to touch zero, the amount nearest to zero;
    /// none where there is no such amount, or none within the grid of shares.
    pub arm: Option<f64>,
    /// The standard deviation of that amount over repetitions of the drawing, by leaving out successive batches of data sets;
    /// NaN where it turns nowhere without one of them.
    pub monte_carlo_error: f64,
}

/// What is asked for.
pub(super) struct Asked<'a> {
    pub imputations: &'a Imputations<'a>,
    pub grid: &'a Tipping,
    /// The place of the visit among those analysed, and the two arms.
    pub visit: usize,
    pub arms: [usize; 2],
    pub level: f64,
}

/// Differences of means, divided by `divisor`.
pub(super) fn linear(asked: &Asked<'_>, ancova: &Ancova, divisor: f64) -> Result<DrawnTipping> {
    let shape = Shape::of(asked, ancova).ok_or_else(super::table::singular)?;
    let (sets, _) = asked.imputations.each(|completed| Ok(shape.set(completed.outcomes())))?;
    let Rule::Rubin { chains } = asked.imputations.rule() else { return Err(super::table::singular()) };
    let estimates: Vec<f64> = sets.iter().map(|set| set.estimate).collect();
    let drawn = Rule::Rubin { chains }.pool(&estimates, &vec![0.0; sets.len()], shape.df, asked.level).monte_carlo / divisor.abs();
    let all = shape.pooled(&sets, 0..0, divisor, asked.level);
    let rows =
        combinations(asked.grid).map(|(arm, versus)| DrawnShift::of((arm, versus), &all.at(arm, versus), drawn, asked.level)).collect();
    let turn = |versus: f64| {
        let without = |batch: std::ops::Range<usize>| shape.pooled(&sets, batch, divisor, asked.level).turn(versus);
        DrawnTurn { versus, arm: all.turn(versus), monte_carlo_error: by_batches(sets.len(), without) }
    };
    let turns = asked.grid.versus_shifts.iter().map(|&versus| turn(versus)).collect();
    Ok(DrawnTipping { draws: asked.imputations.draws.clone(), sets: sets.len(), rows, turns })
}

/// Differences of shares.
pub(super) fn shares(asked: &Asked<'_>, met: &Met<'_>) -> Result<DrawnTipping> {
    let (cohort, grid) = (&asked.imputations.cohort, asked.grid);
    let of = |outcomes: &[f64], k: usize, shifts: &[f64]| met.drawn_shares(cohort, outcomes, asked.visit, asked.arms[k], shifts);
    let one = |outcomes: &[f64]| -> Option<ShareSet> {
        Some(ShareSet { arm: of(outcomes, 0, &grid.arm_shifts)?, versus: of(outcomes, 1, &grid.versus_shifts)? })
    };
    let (sets, _) = asked.imputations.each(|completed| one(completed.outcomes()).ok_or_else(|| "an arm has nobody to count".into()))?;
    let Rule::Rubin { chains } = asked.imputations.rule() else { return Err(super::table::singular()) };
    let sets = ShareSets { sets, chains };
    let z = normal::quantile(0.5 + 0.5 * asked.level);
    let row = |versus: usize, without: std::ops::Range<usize>| -> Vec<(Scalar, Shifted)> {
        let at = |arm: usize| {
            let scalar = sets.pooled(arm, versus, &without, asked.level);
            // What is compared with z is the estimate over its own limit.
            let se = scalar.se * quantile(scalar.df, asked.level) / z;
            (scalar, Shifted::of((grid.arm_shifts[arm], grid.versus_shifts[versus]), (scalar.estimate, se * se), z))
        };
        (0..grid.arm_shifts.len()).map(at).collect()
    };
    let (mut rows, mut turns) = (vec![], vec![]);
    for (k, &versus) in grid.versus_shifts.iter().enumerate() {
        let crossing = |found: Vec<(Scalar, Shifted)>| interpolated(&found.into_iter().map(|(_, row)| row).collect::<Vec<_>>(), z);
        let all = row(k, 0..0);
        let drawn = all.iter().map(|(scalar, at)| DrawnShift::of((at.arm, at.versus), scalar, scalar.monte_carlo, asked.level));
        rows.extend(drawn);
        let monte_carlo_error = by_batches(sets.sets.len(), |batch| crossing(row(k, batch)));
        turns.push(DrawnTurn { versus, arm: crossing(all), monte_carlo_error });
    }
    Ok(DrawnTipping { draws: asked.imputations.draws.clone(), sets: sets.sets.len(), rows, turns })
}

impl DrawnTipping {
    /// Where the conclusion turns by draws, a sentence that follows that of the closed form.
    pub(super) fn sentence(&self, versus: f64) -> String {
        let by = format!("By {} draws, pooled by Rubin's rules,", self.sets);
        match self.turns.iter().find(|turn| turn.versus == versus) {
            Some(DrawnTurn { arm: Some(arm), monte_carlo_error, .. }) if monte_carlo_error.is_finite() => {
                format!(" {by} it touches zero at {arm:.2} (Monte-Carlo error {monte_carlo_error:.2}).")
            }
            Some(DrawnTurn { arm: Some(arm), .. }) => format!(" {by} it touches zero at {arm:.2}."),
            _ => format!(" {by} it touches zero nowhere."),
        }
    }

    /// How it was made.
    pub(super) fn note(&self, measure: &super::TippingMeasure) -> String {
        let sd = match measure {
            super::TippingMeasure::EffectSize { .. } => "; the standard deviation at baseline is taken as given",
            _ => "",
        };
        format!(
            "By draws: {} data sets are drawn once, shifted, and pooled by Rubin's rules (information-anchored){sd}. The closed form has standard errors over \
             repetitions of the trial, so the two need not turn at the same amount.",
            self.sets
        )
    }

    /// Beside the columns of the closed form.
    pub(super) fn columns(&self, interval: &str) -> Vec<Column> {
        let real = |f: fn(&DrawnShift) -> f64| self.rows.iter().map(f).collect::<Vec<_>>();
        let ses = real(|r| r.se);
        vec![
            Column::by_error("drawn_estimate", "by draws", real(|r| r.estimate), ses.clone()),
            Column::by_error("drawn_se", "SE by draws", ses.clone(), ses.clone()),
            Column::by_error("drawn_lower", &format!("lower {interval} by draws"), real(|r| r.lower), ses.clone()),
            Column::by_error("drawn_upper", &format!("upper {interval} by draws"), real(|r| r.upper), ses),
            Column::real("drawn_p", "p by draws", Format::Probability, real(|r| r.p)),
        ]
    }
}

impl DrawnShift {
    fn of((arm, versus): (f64, f64), scalar: &Scalar, monte_carlo_error: f64, level: f64) -> Self {
        let (lower, upper) = scalar.interval(level);
        Self { arm, versus, estimate: scalar.estimate, se: scalar.se, df: scalar.df, lower, upper, p: scalar.p(), monte_carlo_error }
    }
}

/// The jackknife over batches of successive data sets, which leaves within them what a sampler's draws have in common: about
/// fifty, of ten data sets or more.
fn by_batches(sets: usize, without: impl Fn(std::ops::Range<usize>) -> Option<f64>) -> f64 {
    let batches = (sets / 10).clamp(2, 50);
    if sets < 4 {
        return f64::NAN;
    }
    let edge = |k: usize| k * sets / batches;
    let Some(all) = (0..batches).map(|k| without(edge(k)..edge(k + 1))).collect::<Option<Vec<f64>>>() else { return f64::NAN };
    let k = batches as f64;
    let mean = all.iter().sum::<f64>() / k;
    ((k - 1.0) / k * all.iter().map(|x| (x - mean).powi(2)).sum::<f64>()).sqrt()
}

/// What all data sets have in common.
struct Shape<'a> {
    ancova: &'a Ancova,
    inverse: nalgebra::DMatrix<f64>,
    visit: usize,
    visits: usize,
    /// l'(W'W)⁻¹W', by patient.
    weights: Vec<f64>,
    /// Which values each shift moves, by patient.
    moved: [Vec<f64>; 2],
    slopes: [f64; 2],
    /// w_j'Mw_k.
    squares: [[f64; 2]; 2],
    /// l'(W'W)⁻¹l.
    scale: f64,
    df: f64,
}

/// What of a data set depends on its draws.
#[derive(Debug, Clone, Copy)]
struct LinearSet {
    estimate: f64,
    rss: f64,
    /// y'Mw of both shifts.
    with: [f64; 2],
}

impl<'a> Shape<'a> {
    fn of(asked: &Asked<'_>, ancova: &'a Ancova) -> Option<Self> {
        let cohort = &asked.imputations.cohort;
        let solved = ancova.solved(None)?;
        let means = solved.means();
        let l = &means[asked.arms[0]] - &means[asked.arms[1]];
        let inverse = solved.gram.inverse();
        let (w, direction) = (&ancova.matrix, &inverse * &l);
        let weights: Vec<f64> = (w * &direction).iter().copied().collect();
        let moved = indicators(cohort, asked.visit, asked.arms);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let slopes = [dot(&weights, &moved[0]), dot(&weights, &moved[1])];
        let mut found = Self {
            ancova,
            visit: asked.visit,
            visits: cohort.visits,
            weights,
            slopes,
            squares: [[0.0; 2]; 2],
            scale: l.dot(&direction),
            df: w.nrows() as f64 - w.ncols() as f64,
            inverse,
            moved,
        };
        for k in 0..2 {
            let residual = found.residual(&found.moved[k]);
            found.squares[k] = [dot(&residual, &found.moved[0]), dot(&residual, &found.moved[1])];
        }
        Some(found)
    }

    /// My.
    fn residual(&self, y: &[f64]) -> Vec<f64> {
        let w = &self.ancova.matrix;
        let y = nalgebra::DVector::from_column_slice(y);
        let coefficients = &self.inverse * w.tr_mul(&y);
        (y - w * coefficients).iter().copied().collect()
    }

    fn set(&self, outcomes: &[f64]) -> LinearSet {
        let y: Vec<f64> = outcomes.iter().skip(self.visit).step_by(self.visits).copied().collect();
        let residual = self.residual(&y);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let with = [dot(&residual, &self.moved[0]), dot(&residual, &self.moved[1])];
        LinearSet { estimate: dot(&self.weights, &y), rss: dot(&residual, &residual), with }
    }

    /// Rubin's rules for any shifts, of all data sets but these.
    fn pooled(&self, sets: &[LinearSet], without: std::ops::Range<usize>, divisor: f64, level: f64) -> PooledLine {
        let kept = || sets.iter().enumerate().filter(|(k, _)| !without.contains(k)).map(|(_, set)| set);
        let m = kept().count() as f64;
        let mean = |of: fn(&LinearSet) -> f64| kept().map(of).sum::<f64>() / m;
        let estimate = mean(|set| set.estimate);
        let between = kept().map(|set| (set.estimate - estimate).powi(2)).sum::<f64>() / (m - 1.0) / (divisor * divisor);
        let unit = self.scale / self.df / (divisor * divisor);
        let [first, second] = [unit * mean(|set| set.with[0]), unit * mean(|set| set.with[1])];
        let q = self.squares.map(|row| row.map(|x| unit * x));
        let within = [[unit * mean(|set| set.rss), first, second], [first, q[0][0], q[0][1]], [second, q[1][0], q[1][1]]];
        let line = [estimate / divisor, self.slopes[0] / divisor, self.slopes[1] / divisor];
        PooledLine { line, within: Spread(within), between, m, df: self.df, level }
    }
}

/// A pooled estimate as a function of both shifts.
struct PooledLine {
    line: Linear,
    /// The variance within data sets, a quadratic form of 1 and the shifts.
    within: Spread,
    between: f64,
    m: f64,
    df: f64,
    level: f64,
}

impl PooledLine {
    fn at(&self, arm: f64, versus: f64) -> Scalar {
        let estimate = self.line[0] + self.line[1] * arm + self.line[2] * versus;
        pooled(self.m, estimate, self.within.variance(arm, versus), self.between, self.df)
    }

    /// Where the interval touches zero: given the quantile the condition is quadratic in the shift, and the quantile moves
    /// little with it.
    fn turn(&self, versus: f64) -> Option<f64> {
        const STEPS: usize = 100;
        let mut total = self.within.clone();
        total.0[0][0] += (1.0 + 1.0 / self.m) * self.between;
        let mut at = 0.0;
        for _ in 0..STEPS {
            let limit = quantile(self.at(at, versus).df, self.level);
            let next = turn(&self.line, &total, limit, versus)?;
            if (next - at).abs() <= 1e-12 * next.abs().max(1e-3) {
                return Some(next);
            }
            at = next;
        }
        None
    }
}
