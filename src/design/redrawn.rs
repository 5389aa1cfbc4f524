//! The design of a trial that differs from another one in outcomes and covariates alone, as simulated trials do.
//!
//! What columns mean and how factors are coded follows from the trial that both come from; what depends on who is observed
//! is made anew. Where something does not occur that occurred there, there is no such design.

use super::known::Known;
use super::random_checks::check_identified;
use super::*;
use crate::trial::{Role, Variable};

/// The data of a trial that differs in them alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Redrawn<'d> {
    /// The outcome, patient by patient at every scheduled visit, NaN where not observed.
    pub outcomes: &'d [f64],
    /// The position of the baseline visit in the schedule.
    pub baseline: usize,
    /// The covariates that differ.
    pub covariates: &'d [Variable],
}

impl Design {
    /// Whether [`Design::redrawn`] knows all that the rows of this design depend on, where these covariates differ.
    pub(crate) fn can_be_redrawn(&self, covariates: &[Variable]) -> bool {
        let (columns, known) = (&self.columns, &self.rows.known);
        let differs = |name: &String| name == "baseline" || covariates.iter().any(|c| c.name() == name);
        let as_it_is = columns.model.response.is_none() && known.offsets.is_empty() && known.weights.is_none();
        let of_data = |v: &Variable| v.role() == Role::Baseline || differs(&v.name().to_string());
        let coded = known.variables.iter().zip(&known.functions).all(|(v, function)| function.is_none() && !v.varies_by_visit());
        let fixed_effects = |r: &RandomEffects| !r.factors.iter().any(differs) && !r.variables().iter().any(differs);
        let groups = !known.group.as_ref().is_some_and(of_data);
        let determined = self.account.aliased.is_empty() && self.account.shifts.is_empty() && self.rows.clusters.is_none();
        as_it_is && coded && groups && determined && columns.options.random.iter().all(fixed_effects)
    }

    /// Whether designs of trials in which these covariates differ are the same but for outcomes and who is missing.
    pub(crate) fn differs_in_outcomes_alone(&self, covariates: &[Variable]) -> bool {
        let of_data = |v: &Variable| v.role() == Role::Baseline || covariates.iter().any(|c| c.name() == v.name());
        !self.rows.known.variables.iter().any(of_data)
    }

    /// The design with other outcomes, patient by patient at every scheduled visit, of which all that are analysed are there:
    /// `None` where one is missing.
    pub(crate) fn with_all_outcomes(&self, outcomes: &[f64]) -> Option<Design> {
        let (columns, rows) = (&self.columns, &self.rows);
        let scheduled = outcomes.len() / rows.known.patients.len().max(1);
        let cells = rows.patients.iter().flat_map(|patient| columns.visits.iter().map(move |t| patient * scheduled + t));
        let y: Vec<f64> = cells.map(|cell| outcomes[cell]).collect();
        if y.iter().zip(&rows.y).any(|(new, old)| new.is_nan() || old.is_nan()) {
            return None;
        }
        Some(self.with_outcomes_in_place(y))
    }

    /// The design with other data, as it would have been built of them; `None` where a level, a visit or a combination of
    /// them that columns need does not occur.
    ///
    /// Its account has numbers of patients and observations and nothing else.
    pub(crate) fn redrawn(&self, data: Redrawn) -> Option<Design> {
        let (columns, known) = (&self.columns, self.rows.known.redrawn(data)?);
        let (visits, scheduled) = (columns.visits.len(), data.outcomes.len() / known.patients.len().max(1));
        let (mut patients, mut y) = (vec![], vec![]);
        for (patient, own) in data.outcomes.chunks_exact(scheduled.max(1)).enumerate() {
            if columns.visits.iter().any(|&t| !own[t].is_nan()) {
                patients.push(patient);
                y.extend(columns.visits.iter().map(|&t| own[t]));
            }
        }
        if patients.iter().any(|&i| known.lack(i, 0).is_some()) {
            return None;
        }
        let seen = |at: usize, t: usize| !y[at * visits + t].is_nan();
        let rows = Rows {
            width: columns.values,
            z: patients.iter().flat_map(|&i| known.values(i, &columns.products, |_| true)).collect(),
            weights: None,
            group_of: patients.iter().map(|&i| known.group_of(i)).collect(),
            arm_of: patients.iter().map(|&i| known.arm_of[i]).collect(),
            random: known.random.iter().map(|random| random.term(&patients, seen)).collect(),
            clusters: None,
            known: Arc::new(known),
            patients,
            y,
        };
        check_identified(&rows.random).ok()?;
        let gram = ScaledGram::of_rows(columns, &rows);
        if !gram.is_well_conditioned() {
            return None;
        }
        let tally = Tally::counted(rows.patients.len(), rows.observed().count());
        let mut account = Account::new(Exclusions::default(), vec![], tally);
        account.gram = Some(Arc::new(gram));
        Some(Design { columns: self.columns.clone(), rows: rows.into(), account: account.into() })
    }
}

impl Known {
    /// The same with other data; `None` where they do not go with it.
    fn redrawn(&self, data: Redrawn) -> Option<Self> {
        let scheduled = data.outcomes.len() / self.patients.len().max(1);
        let variable = |own: &Variable| -> Option<Variable> {
            match data.covariates.iter().find(|c| c.name() == own.name()) {
                Some(other) if other.levels() == own.levels() && other.is_factor() == own.is_factor() => {
                    Some(other.clone().in_role(own.role()))
                }
                Some(_) => None,
                None if own.role() == Role::Baseline => {
                    let before = data.outcomes.iter().skip(data.baseline).step_by(scheduled.max(1)).copied().collect();
                    Some(Variable::of_numbers(own.name(), Role::Baseline, own.scope(), before))
                }
                None => Some(own.clone()),
            }
        };
        Some(Self { variables: self.variables.iter().map(variable).collect::<Option<_>>()?, ..self.clone() })
    }
}
