//! What a plan's procedure for several hypotheses rejects in simulated trials.

use super::characteristics::Share;
use super::procedure::{Compared, Procedure, Question};
use super::replicates::Replicates;
use crate::analysis::{Multiplicity, Plan};
use crate::error::Result;
use crate::table::{Column, Format, Tabular, display_as_table};
use crate::trial::Trial;

/// How often each hypothesis of a plan is rejected at the familywise level, and any of them, and all. Under no effect the
/// share of trials with any rejection is the familywise error.
///
/// A hypothesis whose analysis failed in a trial is not rejected there.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Familywise {
    /// Each hypothesis with the trials that reject it, in the plan's order.
    pub hypotheses: Vec<(String, Share)>,
    /// Trials that reject at least one.
    pub any: Share,
    /// Trials that reject all.
    pub all: Share,
    /// The procedure, in words.
    pub procedure: String,
    /// The familywise level.
    pub alpha: f64,
}

/// The name of the question about a hypothesis.
fn question(hypothesis: &str) -> String {
    format!("hypothesis: {hypothesis}")
}

/// The plan's hypotheses, where all are about the outcome that is simulated.
pub(super) fn simulated(plan: &Plan) -> Option<&Multiplicity> {
    let own = plan.multiplicity.as_ref()?;
    own.hypotheses.iter().all(|h| h.outcome_in(plan) == plan.primary).then_some(own)
}

/// Asks about each hypothesis of a plan.
///
/// # Errors
/// As [`Procedure::of_plan`].
pub(super) fn asked(plan: &Plan, trial: &Trial, procedure: Procedure) -> Result<Procedure> {
    let Some(multiplicity) = simulated(plan) else { return Ok(procedure) };
    multiplicity.hypotheses.iter().try_fold(procedure, |procedure, hypothesis| {
        let (arm, versus) = hypothesis.arms_in(trial)?;
        Ok(procedure.ask(question(&hypothesis.name), Question::Contrast(Compared::new(arm, versus, hypothesis.visit_in(plan)))))
    })
}

impl Familywise {
    /// What the procedure of a plan rejects in trials that were asked about its hypotheses; none where it has none that are
    /// simulated.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for weights and transitions that cannot be.
    pub(super) fn of(plan: &Plan, replicates: &Replicates) -> Result<Option<Self>> {
        let Some(multiplicity) = simulated(plan) else { return Ok(None) };
        let place = |name: &str| replicates.names.iter().position(|own| *own == question(name));
        let Some(places) = multiplicity.hypotheses.iter().map(|h| place(&h.name)).collect::<Option<Vec<usize>>>() else { return Ok(None) };
        let alpha = multiplicity.level(plan.level);
        let (mut each, mut any, mut all) = (vec![0; places.len()], 0, 0);
        for trial in &replicates.trials {
            let p: Vec<f64> = places.iter().map(|&k| trial.answers[k].as_ref().map_or(1.0, |answer| answer.p)).collect();
            let rejected = multiplicity.decide(&p, alpha)?.rejected();
            each.iter_mut().zip(&rejected).for_each(|(n, rejected)| *n += usize::from(*rejected));
            any += usize::from(rejected.contains(&true));
            all += usize::from(!rejected.contains(&false));
        }
        let share = |met: usize| Share::of(met, replicates.trials.len());
        Ok(Some(Self {
            hypotheses: multiplicity.hypotheses.iter().map(|h| h.name.clone()).zip(each.into_iter().map(share)).collect(),
            any: share(any),
            all: share(all),
            procedure: multiplicity.procedure.words().into(),
            alpha,
        }))
    }
}

impl Tabular for Familywise {
    fn title(&self) -> String {
        "Hypotheses rejected at the familywise level".into()
    }

    fn columns(&self) -> Vec<Column> {
        let both = [("any".to_string(), self.any), ("all".to_string(), self.all)];
        let rows: Vec<&(String, Share)> = self.hypotheses.iter().chain(&both).collect();
        vec![
            Column::text("hypothesis", "Hypothesis", rows.iter().map(|row| row.0.as_str())),
            Column::real("rejected", "Rejected", Format::Percent, rows.iter().map(|row| row.1.share)),
            Column::real("mc_error", "MC error", Format::Percent, rows.iter().map(|row| row.1.error)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec![format!("By {} at the familywise level {}. A hypothesis whose analysis failed is not rejected.", self.procedure, self.alpha)]
    }
}

display_as_table!(Familywise);
