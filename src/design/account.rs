//! What is analysed and what is not.

use super::nearness::{NearColumn, Shift};
use super::*;

/// An account of the data of a model: how many patients and observations are analysed, how often each combination of
/// levels occurs, what is excluded and why, which columns the data do not determine.
///
/// It holds sums over patients and no patient, so that data sets that share their columns can add theirs up.
#[derive(Debug, Clone)]
pub struct Account {
    /// What is not analysed.
    pub(crate) exclusions: Exclusions,
    /// What a reader has to know of the data: levels and visits left out, cells without observations, aliased columns.
    pub(crate) warnings: Vec<String>,
    /// Columns that earlier ones determine.
    pub(crate) aliased: Vec<AliasedColumn>,
    /// Counts of levels and sums of numbers.
    pub(crate) tally: Tally,
    /// What a fit takes from columns that earlier ones nearly determine, in the order of the columns.
    pub(crate) shifts: Vec<Shift>,
    /// X'X, where it is known.
    pub(crate) gram: Option<Arc<ScaledGram>>,
}

impl Account {
    /// An account in which every column is determined.
    pub(crate) fn new(exclusions: Exclusions, warnings: Vec<String>, tally: Tally) -> Self {
        Self { exclusions, warnings, aliased: vec![], shifts: vec![], tally, gram: None }
    }

    /// How many patients are analysed.
    pub fn n_patients(&self) -> usize {
        self.tally.patients
    }

    /// How many observations are analysed.
    pub fn n_observations(&self) -> usize {
        self.tally.observations()
    }

    /// What is not analysed, and why.
    pub fn exclusions(&self) -> &Exclusions {
        &self.exclusions
    }

    /// What a reader has to know: levels and visits without observations, arms that nobody reached a visit in,
    /// aliased columns.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The columns that earlier ones determine; a fit leaves them out.
    pub fn aliased(&self) -> &[AliasedColumn] {
        &self.aliased
    }

    /// The number of analysed observations in a cell.
    pub(crate) fn count(&self, cell: &[(Dimension, usize)]) -> usize {
        self.tally.observed.iter().filter(|c| c.is_in(cell)).map(|c| c.n).sum()
    }

    /// Takes the columns that earlier ones determine, or nearly do, from X'X, and names them in the warnings.
    pub(crate) fn decide_aliased(&mut self, columns: &Columns, gram: ScaledGram) {
        let near = self.set_aliased(gram);
        self.warnings.extend(columns.idle_terms());
        self.warnings.extend(self.aliased.iter().map(|a| a.sentence(columns)));
        self.warnings.extend(near.iter().map(|n| n.sentence(columns)));
    }

    /// The same without a warning; returns the columns that are nearly determined.
    pub(super) fn set_aliased(&mut self, gram: ScaledGram) -> Vec<NearColumn> {
        if gram.is_well_conditioned() {
            (self.aliased, self.shifts) = (vec![], vec![]);
            self.gram = Some(Arc::new(gram));
            return vec![];
        }
        let elimination = gram.in_order();
        self.aliased = gram.aliased(&elimination);
        self.shifts = gram.shifts(&elimination);
        let near = gram.near(&elimination);
        self.gram = Some(Arc::new(gram));
        near
    }
}
