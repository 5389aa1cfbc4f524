//! How far from missing at random the missing would have to be for the conclusion to turn.
//!
//! With an amount δ_a added to the imputed values of arm a at the visit, the ANCOVA estimate is θ + Σ_a s_a δ_a: linear, with
//! s_a the weight that imputed values have. So is each estimate of the jackknife, and the whole grid costs one.

use super::Strategy;
use super::ancova::Ancova;
use super::completion::Cohort;
use super::plan::{ReferenceBased, Variance};
use super::resampled::replicates;
use crate::dist::normal;
use crate::error::{Error, Result};
use crate::level::{check_level, percent};
use crate::table::{Column, Format, Tabular, display_as_table};
use crate::trial::Labelled;
use crate::{Fit, Trial};

/// A grid of shifts of imputed values, and what becomes of the difference between two arms at a visit.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct TippingPoint {
    /// Name of the outcome.
    pub outcome: String,
    /// The strategy that is shifted.
    pub strategy: Strategy,
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
    /// How everything was made, one sentence each.
    pub notes: Vec<String>,
}

/// The difference under one pair of shifts.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Shifted {
    /// What is added to imputed values of the arm, in units of the outcome.
    pub arm: f64,
    /// What is added to those of the other.
    pub versus: f64,
    /// The difference.
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
type Linear = [f64; 3];

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
        self.can_be_imputed()?;
        check_level(plan.level)?;
        let columns = self.design().columns();
        plan.check(trial.arms(), columns.visit_labels())?;
        check_shifts(plan, arm_shifts, versus_shifts)?;
        let arm_of = |name: &str| {
            let at = trial.arms().iter().position(|a| a == name);
            at.map(|index| Labelled { index, label: name.into() }).ok_or_else(|| Error::unknown("arm", name, trial.arms()))
        };
        let (arm, versus) = (arm_of(arm)?, arm_of(versus)?);
        if arm.index == versus.index {
            return Err(Error::nothing_to_compare("a tipping point", format!("`{arm}` is compared with itself"), "name two arms"));
        }
        let at = columns.visit_labels().iter().position(|label| label == visit);
        let at = at.ok_or_else(|| Error::unknown("analysed visit", visit, columns.visit_labels()))?;
        let plain = ReferenceBased { delta: None, ..plan.clone() };
        let cohort = Cohort::of(self, trial, &plain)?;
        let ancova = Ancova::of(trial, plan, columns.outcome())?;
        let statistic = |outcomes: &[f64], times: Option<&[u32]>| linear(&cohort, &ancova, outcomes, times, at, [arm.index, versus.index]);
        let (whole, jackknife, failures) = replicates(&cohort, &self.refitter()?, statistic)?;
        let mut notes = self.notes();
        notes.extend(failures.iter().map(|(why, n)| format!("{n} patients could not be left out of the jackknife: {why}.")));
        notes.push(format!(
            "Values after the event {} ({}), and an amount is added to imputed values after it.",
            plan.strategy.words(),
            plan.strategy.title()
        ));
        notes.push(Variance::Jackknife.words().into());
        let spread = Spread::of(&jackknife);
        let z = normal::quantile(0.5 + 0.5 * plan.level);
        let row = |&versus: &f64, &arm: &f64| {
            let estimate = whole[0] + whole[1] * arm + whole[2] * versus;
            let se = spread.variance(arm, versus).sqrt();
            Shifted {
                arm,
                versus,
                estimate,
                se,
                lower: estimate - z * se,
                upper: estimate + z * se,
                p: 2.0 * normal::sf((estimate / se).abs()),
            }
        };
        Ok(TippingPoint {
            outcome: columns.outcome().into(),
            strategy: plan.strategy,
            visit: Labelled { index: columns.visits()[at], label: visit.into() },
            arm,
            versus,
            level: plan.level,
            rows: versus_shifts.iter().flat_map(|v| arm_shifts.iter().map(move |a| row(v, a))).collect(),
            turns: versus_shifts.iter().map(|&versus| Turn { versus, arm: turn(&whole, &spread, z, versus) }).collect(),
            notes,
        })
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
    let visits = cohort.visits;
    let mut shifts = [vec![0.0; outcomes.len()], vec![0.0; outcomes.len()]];
    for (i, patient) in cohort.patients.iter().enumerate() {
        let class = &cohort.classes[patient.class];
        if let Some(at) = arms.iter().position(|a| *a == patient.arm)
            && class.missing.contains(&visit)
            && visit >= class.from
        {
            shifts[at][i * visits + visit] = 1.0;
        }
    }
    let of = |outcomes: &[f64]| l.dot(&solved.coefficients(outcomes, visit, visits));
    Some([of(outcomes), of(&shifts[0]), of(&shifts[1])])
}

/// The jackknife's covariance of a constant and two slopes.
struct Spread([[f64; 3]; 3]);

impl Spread {
    fn of(replicates: &[Linear]) -> Self {
        let m = replicates.len() as f64;
        let mean: Vec<f64> = (0..3).map(|k| replicates.iter().map(|r| r[k]).sum::<f64>() / m).collect();
        let entry = |a: usize, b: usize| (m - 1.0) / m * replicates.iter().map(|r| (r[a] - mean[a]) * (r[b] - mean[b])).sum::<f64>();
        Self(std::array::from_fn(|a| std::array::from_fn(|b| entry(a, b))))
    }

    fn variance(&self, arm: f64, versus: f64) -> f64 {
        let at = [1.0, arm, versus];
        (0..3).map(|a| (0..3).map(|b| at[a] * self.0[a][b] * at[b]).sum::<f64>()).sum::<f64>().max(0.0)
    }
}

/// The shift of the arm nearest to zero at which θ(δ)² = z²·Var(δ): both are quadratic in it.
fn turn(whole: &Linear, spread: &Spread, z: f64, versus: f64) -> Option<f64> {
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
        let subject = format!("{outcome} at {visit}: the {} confidence interval of {} - {}", percent(self.level), self.arm, self.versus);
        let condition = if turn.versus == 0.0 { String::new() } else { format!(" (with {} added in {})", turn.versus, self.versus) };
        match turn.arm {
            Some(arm) => format!("{subject} touches zero when {arm:.2} is added to the imputed values of {}{condition}.", self.arm),
            None => format!("{subject} is on the same side of zero whatever is added to the imputed values of {}{condition}.", self.arm),
        }
    }
}

impl TippingPoint {
    /// The table's title, with words for the outcome and the visit.
    pub fn title_of(&self, outcome: &str, visit: &str) -> String {
        format!("{outcome} at {visit}, {} - {}, with amounts added to imputed values", self.arm, self.versus)
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
        vec![
            Column::real("arm_shift", &format!("added in {}", self.arm), Format::Decimals(2), real(|r| r.arm)),
            Column::real("versus_shift", &format!("added in {}", self.versus), Format::Decimals(2), real(|r| r.versus)),
            Column::by_error("estimate", "difference", real(|r| r.estimate), ses.clone()),
            Column::by_error("se", "SE", ses.clone(), ses.clone()),
            Column::by_error("lower", &format!("lower {interval}"), real(|r| r.lower), ses.clone()),
            Column::by_error("upper", &format!("upper {interval}"), real(|r| r.upper), ses),
            Column::real("p", "p", Format::Probability, real(|r| r.p)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        std::iter::once(self.sentence()).chain(self.notes.iter().cloned()).collect()
    }
}

display_as_table!(TippingPoint);
