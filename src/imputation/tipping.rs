//! How far from missing at random the missing would have to be for the conclusion to turn.
//!
//! With an amount δ_a added to the imputed values of arm a at the visit, the ANCOVA estimate is θ + Σ_a s_a δ_a: linear, with
//! s_a the weight that imputed values have. So is each estimate of the jackknife, and the whole grid costs one. The share of
//! patients who meet a definition is not linear: it is evaluated at each point of the grid in every sample of the jackknife.

use super::Strategy;
use super::ancova::Ancova;
use super::completion::{Cohort, Maps};
use super::draws::Draws;
use super::plan::{ReferenceBased, Variance};
use super::resampled::replicates;
use super::tipping_draws::{self, Asked, DrawnTipping};
use super::tipping_measure::{BaselineSd, Completed, Met, TippingMeasure};
use crate::dist::normal;
use crate::error::{Error, Result};
use crate::level::{check_level, percent};
use crate::table::{Column, Format, Tabular, agreeing, counted, display_as_table};
use crate::trial::Labelled;
use crate::{Fit, Trial};

/// What a tipping-point analysis shifts and compares: every combination of the two arms' amounts is evaluated.
///
/// ```
/// use trialstats::imputation::{ReferenceBased, Strategy, Tipping};
/// use trialstats::{Layout, Model};
///
/// let trial = Layout::long("PATIENT", "THERAPY", "VISIT")
///     .reference_arm("PLACEBO")
///     .outcome("CHANGE")
///     .covariate("BASVAL")
///     .read_csv("data-samples/antidepressant/antidepressant.csv")?;
/// let fit = Model::formula("CHANGE ~ THERAPY * VISIT + BASVAL * VISIT")?.fit(&trial)?;
/// let plan = ReferenceBased::new(Strategy::Mar).covariates(["BASVAL"]);
/// let grid = Tipping::new("DRUG", "PLACEBO", "7").arm_shifts([0.0, 2.0, 4.0]).versus_shifts([-2.0, 0.0, 2.0]);
/// let found = fit.tipping(&trial, &plan, &grid)?;
/// assert_eq!((found.rows.len(), found.turns.len()), (9, 3));
/// println!("{}", found.sentence());
/// # Ok::<(), trialstats::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub struct Tipping {
    /// The arm.
    pub arm: String,
    /// The arm that is subtracted.
    pub versus: String,
    /// The visit, by label.
    pub visit: String,
    /// What is added to imputed values of the arm, in turn.
    pub arm_shifts: Vec<f64>,
    /// What is added to those of the other, in turn.
    pub versus_shifts: Vec<f64>,
    /// What is compared.
    pub measure: TippingMeasure,
    /// How data sets are drawn on which the grid is evaluated too; none for the closed form alone.
    pub draws: Option<Draws>,
}

impl Tipping {
    /// The difference between two arms at a visit, nothing added.
    pub fn new(arm: impl Into<String>, versus: impl Into<String>, visit: impl Into<String>) -> Self {
        Self {
            arm: arm.into(),
            versus: versus.into(),
            visit: visit.into(),
            arm_shifts: vec![0.0],
            versus_shifts: vec![0.0],
            measure: TippingMeasure::Difference,
            draws: None,
        }
    }

    /// What is added to imputed values of the arm, in turn.
    pub fn arm_shifts(mut self, shifts: impl IntoIterator<Item = f64>) -> Self {
        self.arm_shifts = shifts.into_iter().collect();
        self
    }

    /// What is added to those of the other, in turn.
    pub fn versus_shifts(mut self, shifts: impl IntoIterator<Item = f64>) -> Self {
        self.versus_shifts = shifts.into_iter().collect();
        self
    }

    /// What is compared.
    pub fn measure(mut self, measure: TippingMeasure) -> Self {
        self.measure = measure;
        self
    }

    /// Evaluates the grid also on data sets that are drawn once, shifted and pooled by Rubin's rules; see [`DrawnTipping`].
    ///
    /// ```
    /// use trialstats::imputation::{DrawMethod, Draws, ReferenceBased, Strategy, Tipping};
    /// use trialstats::{Layout, Model};
    ///
    /// let trial = Layout::long("PATIENT", "THERAPY", "VISIT")
    ///     .reference_arm("PLACEBO")
    ///     .outcome("CHANGE")
    ///     .covariate("BASVAL")
    ///     .read_csv("data-samples/antidepressant/antidepressant.csv")?;
    /// let fit = Model::formula("CHANGE ~ THERAPY * VISIT + BASVAL * VISIT")?.fit(&trial)?;
    /// let plan = ReferenceBased::new(Strategy::Mar).covariates(["BASVAL"]);
    /// let grid = Tipping::new("DRUG", "PLACEBO", "7").arm_shifts([0.0, 2.0, 4.0]);
    /// let found = fit.tipping(&trial, &plan, &grid.draws(Draws::new(DrawMethod::Bayesian).number(200)))?;
    /// let drawn = found.draws.expect("they were asked for");
    /// assert!(drawn.turns[0].arm.is_some() && drawn.turns[0].monte_carlo_error > 0.0);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn draws(mut self, draws: Draws) -> Self {
        self.draws = Some(draws);
        self
    }
}

/// A grid of shifts of imputed values, and what becomes of the difference between two arms at a visit.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct TippingPoint {
    /// Name of the outcome.
    pub outcome: String,
    /// The strategy that is shifted.
    pub strategy: Strategy,
    /// What is compared: `difference`, `Cohen's d`, or the share with a definition.
    pub measure: String,
    /// The visit.
    pub visit: Labelled,
    /// The arm.
    pub arm: Labelled,
    /// The arm that is subtracted.
    pub versus: Labelled,
    /// Confidence level.
    pub level: f64,
    /// Every combination of the two shifts.
    pub rows: Vec<Shifted>,
    /// For each shift of `versus` the shift of `arm` nearest to zero at which the confidence interval touches zero.
    pub turns: Vec<Turn>,
    /// The same by draws, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draws: Option<DrawnTipping>,
    /// How everything was made, one sentence each.
    pub notes: Vec<String>,
    /// The estimate and its variance at any shifts; none where only the grid was evaluated.
    #[serde(skip)]
    surface: Option<Surface>,
}

/// The difference under one pair of shifts.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Shifted {
    /// What is added to imputed values of the arm, in units of the outcome.
    pub arm: f64,
    /// What is added to those of the other.
    pub versus: f64,
    /// What is compared: the difference, in units of the outcome or as the measure has it.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Lower confidence limit.
    pub lower: f64,
    /// Upper confidence limit.
    pub upper: f64,
    /// Two-sided p-value of zero by the normal distribution.
    pub p: f64,
}

/// Where the conclusion turns.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Turn {
    /// What is added to imputed values of the other arm.
    pub versus: f64,
    /// What would have to be added to those of the arm; `None` where no amount turns it.
    pub arm: Option<f64>,
}

/// A statistic of the jackknife as a function of the shifts: constant, slope in the arm's, slope in the other's.
pub(super) type Linear = [f64; 3];

impl Fit {
    /// Adds amounts to the imputed values of two arms at a visit, every combination of `arm_shifts` and `versus_shifts`, and
    /// finds where the confidence interval of the difference `arm` − `versus` begins or ceases to hold zero.
    ///
    /// The strategy is that of `plan`, whose own delta is not used. Values before the event (gaps) are not shifted.
    ///
    /// # Errors
    /// As [`Fit::reference_based`]; [`Error::Invalid`] without a shift, and for a variance other than the jackknife's.
    ///
    /// ```
    /// use trialstats::imputation::{ReferenceBased, Strategy};
    /// use trialstats::{Layout, Model};
    ///
    /// let trial = Layout::long("PATIENT", "THERAPY", "VISIT")
    ///     .reference_arm("PLACEBO")
    ///     .outcome("CHANGE")
    ///     .covariate("BASVAL")
    ///     .read_csv("data-samples/antidepressant/antidepressant.csv")?;
    /// let fit = Model::formula("CHANGE ~ THERAPY * VISIT + BASVAL * VISIT")?.fit(&trial)?;
    /// let plan = ReferenceBased::new(Strategy::Mar).covariates(["BASVAL"]);
    /// let table = fit.tipping_point(&trial, &plan, ("DRUG", "PLACEBO"), "7", &[0.0, 2.0, 4.0, 6.0], &[0.0])?;
    /// let turn = table.turns[0].arm.expect("it turns");
    /// assert!(turn > 2.0 && turn < 6.0);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn tipping_point(
        &self,
        trial: &Trial,
        plan: &ReferenceBased,
        (arm, versus): (&str, &str),
        visit: &str,
        arm_shifts: &[f64],
        versus_shifts: &[f64],
    ) -> Result<TippingPoint> {
        let grid = Tipping::new(arm, versus, visit).arm_shifts(arm_shifts.iter().copied()).versus_shifts(versus_shifts.iter().copied());
        self.tipping(trial, plan, &grid)
    }

    /// The same for the difference, its effect size or the share of patients who meet a definition.
    ///
    /// # Errors
    /// As [`Fit::tipping_point`]; [`Error::Invalid`] where the measure needs a baseline that there is not, and for a
    /// definition that looks at more than scores of the outcome.
    pub fn tipping(&self, trial: &Trial, plan: &ReferenceBased, grid: &Tipping) -> Result<TippingPoint> {
        self.can_be_imputed()?;
        check_level(plan.level)?;
        let columns = self.design().columns();
        plan.check(trial.arms(), columns.visit_labels())?;
        check_shifts(plan, &grid.arm_shifts, &grid.versus_shifts)?;
        let arm_of = |name: &str| {
            let at = trial.arms().iter().position(|a| a == name);
            at.map(|index| Labelled { index, label: name.into() }).ok_or_else(|| Error::unknown("arm", name, trial.arms()))
        };
        let (arm, versus) = (arm_of(&grid.arm)?, arm_of(&grid.versus)?);
        if arm.index == versus.index {
            return Err(Error::nothing_to_compare("a tipping point", format!("`{arm}` is compared with itself"), "name two arms"));
        }
        let at = columns.visit_labels().iter().position(|label| *label == grid.visit);
        let at = at.ok_or_else(|| Error::unknown("analysed visit", &grid.visit, columns.visit_labels()))?;
        grid.draws.iter().try_for_each(|draws| draws.check_of_everyone("a tipping point by draws"))?;
        let plain = ReferenceBased { delta: None, ..plan.clone() };
        let imputations = grid.draws.as_ref().map(|draws| self.imputations(trial, &plain, draws)).transpose()?;
        let cohort = Cohort::of(self, trial, &plain)?;
        let mut found = TippingPoint {
            outcome: columns.outcome().into(),
            strategy: plan.strategy,
            measure: grid.measure.words(),
            visit: Labelled { index: columns.visits()[at], label: grid.visit.clone() },
            level: plan.level,
            rows: vec![],
            turns: vec![],
            draws: None,
            notes: self.notes(),
            surface: None,
            arm,
            versus,
        };
        found.notes.push(format!(
            "Values after the event {} ({}), and an amount is added to imputed values after it.",
            cohort.rules[0].words(),
            cohort.rules[0].title()
        ));
        found.notes.extend(cohort.event_notes());
        found.notes.extend(grid.measure.notes());
        let arms = [found.arm.index, found.versus.index];
        let asked = imputations.as_ref().map(|imputations| Asked { imputations, grid, visit: at, arms, level: plan.level });
        match &grid.measure {
            TippingMeasure::Share { definition, baseline } => {
                let met = Met::of(trial, columns.outcome(), definition, baseline)?;
                if met.undecided > 0 {
                    found.notes.push(format!(
                        "{} {} left out: the baseline value is not known, or at the floor.",
                        counted(met.undecided, "patient"),
                        agreeing(met.undecided, "is", "are")
                    ));
                }
                self.over_grid(&cohort, &met, at, grid, &mut found)?;
                found.draws = asked.map(|asked| tipping_draws::shares(&asked, &met)).transpose()?;
            }
            linear => {
                let ancova = Ancova::of(trial, plan, columns.outcome())?;
                let sd = match linear {
                    TippingMeasure::EffectSize { baseline, positive } => {
                        Some(BaselineSd::of(trial, columns.outcome(), baseline, *positive)?)
                    }
                    _ => None,
                };
                self.over_plane(&cohort, &ancova, sd.as_ref(), at, grid, &mut found)?;
                let divisor = sd.as_ref().and_then(|sd| sd.divisor(None)).unwrap_or(1.0);
                found.draws = asked.map(|asked| tipping_draws::linear(&asked, &ancova, divisor)).transpose()?;
            }
        }
        found.notes.push(Variance::Jackknife.words(false).into());
        found.notes.extend(found.draws.as_ref().map(|drawn| drawn.note(&grid.measure)));
        if let (Some(_), Some(imputations)) = (&found.draws, &imputations) {
            found.notes.push(imputations.how().into());
        }
        Ok(found)
    }

    /// Estimates that are linear in both shifts: the whole plane at once, and where it turns exactly.
    fn over_plane(
        &self,
        cohort: &Cohort,
        ancova: &Ancova,
        sd: Option<&BaselineSd>,
        visit: usize,
        grid: &Tipping,
        found: &mut TippingPoint,
    ) -> Result<()> {
        let arms = [found.arm.index, found.versus.index];
        let statistic = |outcomes: &[f64], times: Option<&[u32]>, _: &[Maps]| {
            let plain = linear(cohort, ancova, outcomes, times, visit, arms)?;
            match sd {
                None => Some(plain),
                Some(sd) => sd.divisor(times).map(|divisor| plain.map(|x| x / divisor)),
            }
        };
        let (whole, jackknife, failures) = replicates(cohort, &self.refitter()?, statistic)?;
        found.told(failures);
        let z = normal::quantile(0.5 + 0.5 * found.level);
        let surface = Surface { whole, spread: Spread::of(&jackknife) };
        found.rows = combinations(grid).map(|(arm, versus)| Shifted::of((arm, versus), surface.at(arm, versus), z)).collect();
        found.turns =
            grid.versus_shifts.iter().map(|&versus| Turn { versus, arm: turn(&surface.whole, &surface.spread, z, versus) }).collect();
        found.surface = Some(surface);
        Ok(())
    }

    /// Shares at every point of the grid in every sample of the jackknife, and where they turn by interpolation.
    fn over_grid(&self, cohort: &Cohort, met: &Met<'_>, visit: usize, grid: &Tipping, found: &mut TippingPoint) -> Result<()> {
        let arms = [found.arm.index, found.versus.index];
        let points: Vec<(f64, f64)> = combinations(grid).collect();
        let statistic = |outcomes: &[f64], times: Option<&[u32]>, maps: &[Maps]| {
            let completed = Completed { cohort, maps, outcomes, times };
            let difference = |&(arm, versus): &(f64, f64)| met.shares(&completed, visit, arms, [arm, versus]).map(|[a, b]| a - b);
            points.iter().map(difference).collect::<Option<Vec<f64>>>()
        };
        let (whole, jackknife, failures) = replicates(cohort, &self.refitter()?, statistic)?;
        found.told(failures);
        let (z, m) = (normal::quantile(0.5 + 0.5 * found.level), jackknife.len() as f64);
        let variance = |k: usize| {
            let mean = jackknife.iter().map(|r| r[k]).sum::<f64>() / m;
            (m - 1.0) / m * jackknife.iter().map(|r| (r[k] - mean).powi(2)).sum::<f64>()
        };
        found.rows = points.iter().enumerate().map(|(k, &at)| Shifted::of(at, (whole[k], variance(k)), z)).collect();
        let columns = grid.arm_shifts.len();
        found.turns = found.rows.chunks(columns).map(|row| Turn { versus: row[0].versus, arm: interpolated(row, z) }).collect();
        found.notes.push("Where the conclusion turns is interpolated between the amounts of the grid.".into());
        Ok(())
    }
}

/// Every pair of shifts, those of the arm fastest.
pub(super) fn combinations(grid: &Tipping) -> impl Iterator<Item = (f64, f64)> + '_ {
    grid.versus_shifts.iter().flat_map(|&versus| grid.arm_shifts.iter().map(move |&arm| (arm, versus)))
}

/// The shift nearest to zero at which |estimate| = z·SE, linear between neighbours in estimate/SE.
pub(super) fn interpolated(row: &[Shifted], z: f64) -> Option<f64> {
    let mut order: Vec<&Shifted> = row.iter().collect();
    order.sort_by(|a, b| a.arm.total_cmp(&b.arm));
    let crossing = |a: &Shifted, b: &Shifted, limit: f64| {
        let (from, to) = (a.estimate / a.se - limit, b.estimate / b.se - limit);
        (from.is_finite() && to.is_finite() && from != to && from * to <= 0.0).then(|| a.arm + (b.arm - a.arm) * from / (from - to))
    };
    let crossings = order.windows(2).flat_map(|pair| [z, -z].into_iter().filter_map(|limit| crossing(pair[0], pair[1], limit)));
    crossings.min_by(|a, b| a.abs().total_cmp(&b.abs()))
}

/// Estimate and variance as functions of both shifts.
#[derive(Debug, Clone)]
struct Surface {
    whole: Linear,
    spread: Spread,
}

impl Surface {
    fn at(&self, arm: f64, versus: f64) -> (f64, f64) {
        (self.whole[0] + self.whole[1] * arm + self.whole[2] * versus, self.spread.variance(arm, versus))
    }
}

impl Shifted {
    pub(super) fn of((arm, versus): (f64, f64), (estimate, variance): (f64, f64), z: f64) -> Self {
        let se = variance.sqrt();
        let p = 2.0 * normal::sf((estimate / se).abs());
        Self { arm, versus, estimate, se, lower: estimate - z * se, upper: estimate + z * se, p }
    }
}

impl TippingPoint {
    fn told(&mut self, failures: Vec<(String, usize)>) {
        self.notes
            .extend(failures.iter().map(|(why, n)| format!("{} could not be left out of the jackknife: {why}.", counted(*n, "patient"))));
    }

    /// The estimate over its standard error at any pair of shifts within the grid: exact where the estimate is linear in
    /// them, interpolated between the four nearest points of the grid otherwise; none beyond the grid.
    pub fn signal(&self, arm: f64, versus: f64) -> Option<f64> {
        if let Some(surface) = &self.surface {
            let (estimate, variance) = surface.at(arm, versus);
            return Some(estimate / variance.sqrt());
        }
        let between = |values: &[f64], at: f64| {
            let k = (1..values.len()).find(|&k| values[k - 1] <= at && at <= values[k])?;
            Some((k - 1, (at - values[k - 1]) / (values[k] - values[k - 1])))
        };
        let (arms, others) = self.shifts();
        let ((i, x), (j, y)) = (between(&arms, arm)?, between(&others, versus)?);
        let value = |i: usize, j: usize| self.rows.iter().find(|r| r.arm == arms[i] && r.versus == others[j]).map(|r| r.estimate / r.se);
        let low = value(i, j)? * (1.0 - x) + value(i + 1, j)? * x;
        let high = value(i, j + 1)? * (1.0 - x) + value(i + 1, j + 1)? * x;
        Some(low * (1.0 - y) + high * y)
    }

    /// The amounts of both arms, rising, each once.
    pub fn shifts(&self) -> (Vec<f64>, Vec<f64>) {
        let sorted = |of: fn(&Shifted) -> f64| {
            let mut all: Vec<f64> = self.rows.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            all.dedup();
            all
        };
        (sorted(|r| r.arm), sorted(|r| r.versus))
    }
}

fn check_shifts(plan: &ReferenceBased, arm: &[f64], versus: &[f64]) -> Result<()> {
    if arm.is_empty() || versus.is_empty() {
        return Err(Error::incomplete("a tipping point", "there is no shift of one of the arms", "name at least one for each; 0 for none"));
    }
    if let Some(bad) = arm.iter().chain(versus).find(|x| !x.is_finite()) {
        return Err(Error::not_finite("a tipping point", format!("a shift is {bad}"), "give finite amounts"));
    }
    match plan.variance {
        Variance::Jackknife => Ok(()),
        other => Err(Error::not_built(
            format!("a tipping point with `{other}` standard errors"),
            "its grid follows from the estimates of the jackknife",
            "use the jackknife",
        )),
    }
}

/// The difference at the visit, and its slopes in the two shifts.
fn linear(cohort: &Cohort, ancova: &Ancova, outcomes: &[f64], times: Option<&[u32]>, visit: usize, arms: [usize; 2]) -> Option<Linear> {
    let solved = ancova.solved(times)?;
    let means = solved.means();
    let l = &means[arms[0]] - &means[arms[1]];
    let of = |outcomes: &[f64], visit: usize, visits: usize| l.dot(&solved.coefficients(outcomes, visit, visits));
    let [arm, versus] = indicators(cohort, visit, arms);
    Some([of(outcomes, visit, cohort.visits), of(&arm, 0, 1), of(&versus, 0, 1)])
}

/// Whose values at the visit each of the two shifts moves: 1 for values that are imputed after the event in its arm.
pub(super) fn indicators(cohort: &Cohort, visit: usize, arms: [usize; 2]) -> [Vec<f64>; 2] {
    let moves = |arm: usize| {
        let is_moved = |patient: &super::completion::Patient| {
            let class = &cohort.classes[patient.class];
            patient.arm == arm && class.missing.contains(&visit) && visit >= class.from
        };
        cohort.patients.iter().map(|patient| f64::from(u8::from(is_moved(patient)))).collect()
    };
    arms.map(moves)
}

/// The jackknife's covariance of a constant and two slopes.
#[derive(Debug, Clone)]
pub(super) struct Spread(pub [[f64; 3]; 3]);

impl Spread {
    fn of(replicates: &[Linear]) -> Self {
        let m = replicates.len() as f64;
        let mean: Vec<f64> = (0..3).map(|k| replicates.iter().map(|r| r[k]).sum::<f64>() / m).collect();
        let entry = |a: usize, b: usize| (m - 1.0) / m * replicates.iter().map(|r| (r[a] - mean[a]) * (r[b] - mean[b])).sum::<f64>();
        Self(std::array::from_fn(|a| std::array::from_fn(|b| entry(a, b))))
    }

    pub fn variance(&self, arm: f64, versus: f64) -> f64 {
        let at = [1.0, arm, versus];
        (0..3).map(|a| (0..3).map(|b| at[a] * self.0[a][b] * at[b]).sum::<f64>()).sum::<f64>().max(0.0)
    }
}

/// The shift of the arm nearest to zero at which θ(δ)² = z²·Var(δ): both are quadratic in it.
pub(super) fn turn(whole: &Linear, spread: &Spread, z: f64, versus: f64) -> Option<f64> {
    let (s, v) = (&spread.0, versus);
    let theta = [whole[0] + whole[2] * v, whole[1]];
    let variance = [s[0][0] + 2.0 * v * s[0][2] + v * v * s[2][2], 2.0 * (s[0][1] + v * s[1][2]), s[1][1]];
    let c = theta[0] * theta[0] - z * z * variance[0];
    let b = 2.0 * theta[0] * theta[1] - z * z * variance[1];
    let a = theta[1] * theta[1] - z * z * variance[2];
    let roots: Vec<f64> = if a.abs() < 1e-12 * b.abs() {
        vec![-c / b]
    } else {
        let discriminant = b * b - 4.0 * a * c;
        if discriminant < 0.0 {
            return None;
        }
        // The stable way to both roots.
        let q = -0.5 * (b + discriminant.sqrt().copysign(b));
        vec![q / a, c / q]
    };
    roots.into_iter().filter(|root| root.is_finite()).min_by(|x, y| x.abs().total_cmp(&y.abs()))
}

impl TippingPoint {
    /// Where the conclusion turns, as a sentence.
    pub fn sentence(&self) -> String {
        self.sentence_of(&self.outcome, self.visit.as_ref())
    }

    /// The same, with words for the outcome and the visit: `HAMD-17`, `visit 7`.
    pub fn sentence_of(&self, outcome: &str, visit: &str) -> String {
        let Some(turn) = self.turns.iter().min_by(|a, b| a.versus.abs().total_cmp(&b.versus.abs())) else { return String::new() };
        let of = if self.is_difference() { String::new() } else { format!(" ({})", self.measure) };
        let subject =
            format!("{outcome} at {visit}: the {} confidence interval of {} - {}{of}", percent(self.level), self.arm, self.versus);
        let drawn = self.draws.iter().map(|drawn| drawn.sentence(turn.versus)).collect::<String>();
        let condition = if turn.versus == 0.0 { String::new() } else { format!(" (with {} added in {})", turn.versus, self.versus) };
        match turn.arm {
            Some(arm) => format!("{subject} touches zero when {arm:.2} is added to the imputed values of {}{condition}.{drawn}", self.arm),
            None if self.surface.is_none() => {
                format!(
                    "{subject} does not touch zero at any amount of the grid that is added to the imputed values of {}{condition}.{drawn}",
                    self.arm
                )
            }
            None => {
                format!("{subject} is on the same side of zero whatever is added to the imputed values of {}{condition}.{drawn}", self.arm)
            }
        }
    }

    fn is_difference(&self) -> bool {
        self.measure == TippingMeasure::Difference.words()
    }
}

impl TippingPoint {
    /// The table's title, with words for the outcome and the visit.
    pub fn title_of(&self, outcome: &str, visit: &str) -> String {
        let of = if self.is_difference() { String::new() } else { format!(" ({})", self.measure) };
        format!("{outcome} at {visit}, {} - {}{of}, with amounts added to imputed values", self.arm, self.versus)
    }
}

impl Tabular for TippingPoint {
    fn title(&self) -> String {
        self.title_of(&self.outcome, self.visit.as_ref())
    }

    fn columns(&self) -> Vec<Column> {
        let real = |f: fn(&Shifted) -> f64| self.rows.iter().map(f).collect::<Vec<_>>();
        let ses = real(|r| r.se);
        let interval = percent(self.level);
        let mut columns = vec![
            Column::real("arm_shift", &format!("added in {}", self.arm), Format::Decimals(2), real(|r| r.arm)),
            Column::real("versus_shift", &format!("added in {}", self.versus), Format::Decimals(2), real(|r| r.versus)),
            Column::by_error("estimate", &self.measure, real(|r| r.estimate), ses.clone()),
            Column::by_error("se", "SE", ses.clone(), ses.clone()),
            Column::by_error("lower", &format!("lower {interval}"), real(|r| r.lower), ses.clone()),
            Column::by_error("upper", &format!("upper {interval}"), real(|r| r.upper), ses),
            Column::real("p", "p", Format::Probability, real(|r| r.p)),
        ];
        columns.extend(self.draws.iter().flat_map(|drawn| drawn.columns(&interval)));
        columns
    }

    fn notes(&self) -> Vec<String> {
        std::iter::once(self.sentence()).chain(self.notes.iter().cloned()).collect()
    }
}

display_as_table!(TippingPoint);
