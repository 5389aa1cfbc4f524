//! The names that a trial has by its layout, known before there are data.

use super::Layout;
use crate::instruments::Registry;
use crate::trial::columns::Columns;

/// The names that a trial has by its layout.
#[derive(Debug, Clone)]
pub(crate) struct DeclaredNames {
    /// Outcomes, the scores of instruments among them.
    pub outcomes: Vec<String>,
    pub diagnoses: Vec<String>,
    /// Covariates, weights among them.
    pub covariates: Vec<String>,
    pub clusters: Vec<String>,
    /// What the columns of arm, visit and time are called, which formulas may name.
    pub columns: Vec<String>,
}

impl Layout {
    /// The names that a trial has by the layout; none where the file decides on some of them, as it does with a preset, or where
    /// the registry cannot make an instrument.
    pub(crate) fn declared_names(&self, registry: &Registry) -> Option<DeclaredNames> {
        if self.preset.is_some() {
            return None;
        }
        let layout = self.clone().with_instruments(registry).ok()?;
        let mut outcomes: Vec<String> = self.outcomes.iter().map(|outcome| outcome.name.clone()).collect();
        let mut diagnoses = vec![];
        for of in layout.instruments() {
            outcomes.extend(of.instrument.scores().into_iter().map(|score| score.name));
            diagnoses.extend(of.instrument.diagnoses());
        }
        let covariates = self.covariates.iter().map(|covariate| covariate.name.clone()).collect();
        let by_visit = self.clusters_by_visit.iter().map(|(name, _): &(String, Columns)| name);
        let clusters = self.clusters.iter().chain(by_visit).cloned().collect();
        let own = self.column_names();
        let columns = [own.arm, own.visit].into_iter().chain(own.time).collect();
        Some(DeclaredNames { outcomes, diagnoses, covariates, clusters, columns })
    }
}
