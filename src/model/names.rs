//! The names in a model that a trial does not have.

use super::{Model, clusters_for};
use crate::covariance::Covariance;
use crate::design::{Clusters, variable_names};
use crate::error::{Error, Result};
use crate::trial::{Trial, Variable};

impl Model {
    /// Every name that `trial` does not have, with the setting that it stands in.
    pub(crate) fn unknown_names(&self, trial: &Trial) -> Vec<(&'static str, Error)> {
        let variables = variable_names(trial);
        let mut columns: Vec<&str> = trial.variables().iter().map(Variable::name).collect();
        columns.extend(trial.column_names().time.as_deref());
        let mut factors = vec!["patient", trial.column_names().patient.as_str()];
        factors.extend(variables.iter().filter(|v| !["baseline", "time"].contains(v)));
        let visits = trial.schedule().labels();
        let mut found: Vec<(&'static str, Error)> = vec![];
        let mut look = |key, kind, name: &str, known: &[&str]| {
            if !known.contains(&name) {
                found.push((key, Error::unknown(kind, name, known)));
            }
        };
        for variable in self.mean.columns() {
            look("formula", "variable", variable, &variables);
        }
        for effects in &self.options.random {
            effects.factors().iter().for_each(|factor| look("random", "factor with random effects", factor, &factors));
            effects.terms().iter().flatten().for_each(|variable| look("random", "variable", variable, &variables));
        }
        for structure in self.covariance.iter().chain(&self.fallbacks) {
            structure.coordinate_columns().iter().for_each(|column| look("covariance", "variable", column, &columns));
        }
        self.options.group.iter().for_each(|group| look("covariance-by", "variable", group, &variables));
        self.options.weights.iter().for_each(|weights| look("weights", "variable", weights, &columns));
        if let Clusters::Factor(factor) = &self.clusters {
            look("clusters", "factor", factor, &factors);
        }
        for visit in self.options.visits.iter().flatten() {
            look("visits", "visit", visit, &visits);
        }
        found.extend(self.within.iter().filter_map(|names| names.check(trial).err()).map(|error| ("formula", error)));
        found
    }

    /// Whether the model can be fitted to `trial` as far as that can be said without a fit.
    pub(crate) fn check(&self, trial: &Trial) -> Result<()> {
        self.check_df()?;
        let design = self.design(trial)?;
        self.goes_with_clusters(&design)?;
        clusters_for(self.df, self.vcov, &self.clusters, &design, trial)?;
        let first = self.covariance_for(design.random());
        let bind = |covariance: &Covariance| self.classes(covariance, &design, trial).map(|_| ());
        std::iter::once(&first).chain(&self.fallbacks).try_for_each(bind)
    }
}
