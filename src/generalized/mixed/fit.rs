//! A maximum of the likelihood, as what is said of it.

use super::approximation::{Approximation, MOST_ASKED, Nodes, TOLERANCE, Unfit};
use super::cells::Cells;
use super::kernel::Kernel;
use super::terms::{Taken, Terms};
use super::{Glmm, MixedDf, MixedVcov, Quadrature};
use crate::design::{Account, Clusters, Columns, PatientClusters, RandomTerm};
use crate::error::{Error, Result};
use crate::estimates::{Df, Estimates, Link};
use crate::generalized::independent::separation_of;
use crate::generalized::{Family, NotFitted, Observations};
use crate::inference::BetweenWithin;
use nalgebra::DMatrix;

/// A number of nodes, and the maximum it gave.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct NodesTried {
    /// Nodes per dimension.
    pub nodes: usize,
    /// −2 log L at the maximum.
    pub minus_two_log_likelihood: f64,
    /// The coefficients there; NaN where a column is aliased.
    pub beta: Vec<f64>,
}

/// A fitted logistic or Poisson mixed model.
///
/// It is an [`Estimates`] of the coefficients *given the random effects*: what [`Means`](crate::Means) makes of them are
/// conditional means and conditional odds ratios. Probabilities of the population are what
/// [`population_means`](crate::generalized::population_means) makes of it, by integrating the random effects.
#[derive(Debug)]
pub struct MixedFit {
    asked: Glmm,
    observations: Observations,
    pub(super) terms: Terms,
    pub(super) found: Approximation,
    /// Whether factors are crossed, so that Laplace's approximation is all there is.
    nested: bool,
    units: usize,
    effects: usize,
    dimension: usize,
    beta: Vec<f64>,
    vcov: DMatrix<f64>,
    /// (β, θ): all columns, then θ.
    pub(super) parameters: DMatrix<f64>,
    clusters: Option<PatientClusters>,
    between_within: BetweenWithin,
    pub(super) multipliers: super::population::Multipliers,
}

impl MixedFit {
    pub(super) fn new(asked: Glmm, observations: Observations) -> Result<Self> {
        let kernel = if asked.model.outcome_family() == Family::Poisson { Kernel::Count } else { Kernel::Binary };
        let terms = Terms::of(&observations, kernel)?;
        let taken = Taken::of(&observations);
        let cells = Cells::new(taken.given(&observations, kernel), &terms.groupings);
        let nodes = check_nodes(asked.quadrature, &cells)?;
        let clusters = match asked.vcov {
            MixedVcov::Information => None,
            MixedVcov::Robust => Some(observations.design().patient_clusters(observations.trial(), &Clusters::Highest)?),
        };
        let found = cells.maximise(nodes).map_err(|why| {
            let (family, link) = (asked.model.outcome_family(), asked.model.link_function());
            let separated = separation_of(&observations, family, link);
            Error::NotFitted(separated.unwrap_or_else(|| unfit(why, &observations, &terms)))
        })?;
        let covariance = match &clusters {
            None => DMatrix::from_row_slice(cells.d(), cells.d(), &found.vcov),
            Some(clusters) => robust(&cells, &found, &observations, clusters)?,
        };
        let kept = observations.kept.clone();
        let (p, d) = (observations.columns().len(), cells.d());
        let place = |k: usize| if k < kept.len() { kept[k] } else { p + k - kept.len() };
        let size = p + terms.thetas();
        let mut parameters = DMatrix::zeros(size, size);
        for a in 0..d {
            for b in 0..d {
                parameters[(place(a), place(b))] = covariance[(a, b)];
            }
        }
        let vcov = observations.covariance_of_all_columns(&covariance.view((0, 0), (kept.len(), kept.len())).into_owned());
        Ok(Self {
            beta: observations.of_all_columns(&found.psi[..kept.len()]),
            vcov,
            parameters,
            nested: cells.is_nested(),
            units: cells.units.len(),
            effects: cells.effects(),
            dimension: cells.dimension(),
            between_within: BetweenWithin::of(observations.design(), &kept),
            multipliers: super::population::Multipliers::of(&observations),
            clusters,
            asked,
            observations,
            terms,
            found,
        })
    }

    /// What was asked for.
    pub fn asked(&self) -> &Glmm {
        &self.asked
    }

    /// What it was fitted to.
    pub fn observations(&self) -> &Observations {
        &self.observations
    }

    /// The random effects.
    pub fn random(&self) -> &[RandomTerm] {
        self.observations.design().random()
    }

    /// G of a random term, in the order of [`MixedFit::random`]: the covariance of the effects of one level.
    pub fn effect_covariance(&self, term: usize) -> DMatrix<f64> {
        let k = self.random()[term].size();
        let lambda = DMatrix::from_row_slice(k, k, &self.lambda(term));
        &lambda * lambda.transpose()
    }

    pub(super) fn lambda(&self, term: usize) -> Vec<f64> {
        self.terms.lambda(&self.random()[term], term, self.theta())
    }

    /// θ: the elements of the Cholesky factors Λ of the G = ΛΛ', term by term.
    pub fn theta(&self) -> &[f64] {
        &self.found.psi[self.observations.width()..]
    }

    /// −2 log L at the maximum, approximated at the nodes used.
    pub fn minus_two_log_likelihood(&self) -> f64 {
        self.found.minus_two_log_likelihood
    }

    /// The nodes used per dimension; 1 for Laplace's approximation.
    pub fn nodes(&self) -> usize {
        self.found.nodes
    }

    /// Whether another number of nodes gave the same −2 log L and parameters; `None` where one number was asked for, or
    /// quadrature is impossible.
    pub fn nodes_settled(&self) -> Option<bool> {
        self.found.settled
    }

    /// The numbers of nodes that were tried, in order, with what each gave.
    pub fn by_nodes(&self) -> Vec<NodesTried> {
        let width = self.observations.width();
        let tried = |rung: &super::approximation::Rung| NodesTried {
            nodes: rung.nodes,
            minus_two_log_likelihood: rung.minus_two_log_likelihood,
            beta: self.observations.of_all_columns(&rung.psi[..width]),
        };
        self.found.rungs.iter().map(tried).collect()
    }

    /// The steps of all searches.
    pub fn iterations(&self) -> usize {
        self.found.iterations
    }

    /// The step that Newton's method would take next, √(g'H⁻¹g), in standard errors.
    pub fn last_step(&self) -> f64 {
        self.found.step
    }

    /// Sets of observations that share no random effect: clusters, patients without any.
    pub fn n_independent(&self) -> usize {
        self.units
    }

    /// The number of random effects of all levels.
    pub fn n_effects(&self) -> usize {
        self.effects
    }

    /// Names of the effects whose variance, given those before them, has vanished: the fit is that of the model without
    /// them.
    pub fn vanished(&self) -> Vec<String> {
        let terms = self.random();
        let mut names = vec![];
        for (t, own) in self.terms.elements.iter().enumerate() {
            let gone = own.iter().filter(|&&(row, column, at)| row == column && self.found.held[at]);
            names.extend(gone.map(|&(row, ..)| format!("{} by {}", terms[t].effects[row], terms[t].factor)));
        }
        names
    }

    /// The number of parameters of the likelihood, those that have vanished counted.
    pub fn n_parameters(&self) -> usize {
        self.found.psi.len()
    }

    /// −2 log L + 2 d for d parameters.
    pub fn aic(&self) -> f64 {
        self.minus_two_log_likelihood() + 2.0 * self.n_parameters() as f64
    }

    /// −2 log L + d log n for the n [independent](MixedFit::n_independent) clusters, as GLIMMIX counts them.
    pub fn bic(&self) -> f64 {
        self.minus_two_log_likelihood() + self.n_parameters() as f64 * (self.units as f64).ln()
    }

    /// The covariance of (β, θ): every column of the mean, then θ.
    pub fn parameter_covariance(&self) -> &DMatrix<f64> {
        &self.parameters
    }

    pub(super) fn family(&self) -> Family {
        self.asked.model.outcome_family()
    }

    /// How the likelihood was approximated, in a sentence.
    fn approximation(&self) -> String {
        match (self.asked.quadrature, self.found.settled) {
            (Quadrature::Auto, Some(true)) => {
                let (value, parameter) = self.found.moved.unwrap_or_default();
                let before = self.found.rungs.len().checked_sub(2).map_or(0, |k| self.found.rungs[k].nodes);
                format!(
                    "adaptive Gauss–Hermite quadrature with {} nodes per dimension, found sufficient: from {before} nodes −2 log L moved by \
                     {value:.1e} and no parameter by more than {parameter:.1e} of its standard error (tolerance {TOLERANCE:.0e})",
                    self.nodes()
                )
            }
            (Quadrature::Auto, Some(false)) => {
                let (value, parameter) = self.found.moved.unwrap_or_default();
                format!(
                    "adaptive Gauss–Hermite quadrature with {} nodes per dimension, the most that are tried for {} dimensions: −2 log L still \
                     moved by {value:.1e}, some parameter by {parameter:.1e} of its standard error",
                    self.nodes(),
                    self.dimension
                )
            }
            (Quadrature::Auto, None) if !self.nested => {
                "Laplace's approximation, since factors of random effects are crossed and quadrature is impossible; it is biased where levels \
                 have few observations"
                    .into()
            }
            (Quadrature::Auto, None) => {
                format!("Laplace's approximation, since quadrature over {} dimensions is impossible", self.dimension)
            }
            (Quadrature::Laplace | Quadrature::Nodes(1), _) => "Laplace's approximation (one node)".into(),
            (Quadrature::Nodes(n), _) => format!("adaptive Gauss–Hermite quadrature with the {n} nodes per dimension asked for"),
        }
    }

    fn notes_of_fit(&self) -> Vec<String> {
        let model = &self.asked.model;
        let of = match self.family() {
            Family::Binomial => format!("The log odds of {} = {}", model.mean().outcome_name(), model.outcome_event()),
            _ => format!("The logarithm of the mean of {}", model.mean().outcome_name()),
        };
        let effects: Vec<String> = model.random_effects().iter().map(ToString::to_string).collect();
        let mut notes = vec![
            format!("{of} given the random effects {}: maximum likelihood by {}.", effects.join(" + "), self.approximation()),
            "Coefficients, and odds ratios or ratios made of them, are conditional: for one and the same level of the random effects. \
             They are not those of the population."
                .into(),
        ];
        let reference = match self.asked.df {
            MixedDf::Normal => "normal distribution",
            MixedDf::BetweenWithin => "t with between-within degrees of freedom",
        };
        let covariance = match &self.clusters {
            None => self.asked.vcov.words().to_string(),
            Some(clusters) => format!("{}, {}", self.asked.vcov.words(), clusters.sentence()),
        };
        notes.push(format!("Covariance: {covariance}; {reference}."));
        notes.extend(self.observations.note_of_offset());
        let vanished = self.vanished();
        if !vanished.is_empty() {
            let (whose, without) = match self.theta().iter().all(|t| *t == 0.0) {
                true => ("variance", "the model without random effects"),
                false => ("variance given the other effects", "the model without that dimension"),
            };
            notes.push(format!(
                "The {whose} of {} is zero at the maximum: estimates and standard errors are those of {without}.",
                vanished.join(", ")
            ));
        }
        notes
    }
}

impl Estimates for MixedFit {
    fn columns(&self) -> &Columns {
        self.observations.columns()
    }

    fn account(&self) -> &Account {
        self.observations.account()
    }

    fn beta(&self) -> &[f64] {
        &self.beta
    }

    fn vcov(&self) -> &DMatrix<f64> {
        &self.vcov
    }

    fn df(&self, l: &[f64]) -> f64 {
        match self.asked.df {
            MixedDf::Normal => f64::INFINITY,
            MixedDf::BetweenWithin => {
                let kept = &self.observations.kept;
                let weights: Vec<f64> = kept.iter().map(|&c| l[c]).collect();
                self.between_within.of_weights(kept, &weights)
            }
        }
    }

    fn link(&self) -> Link {
        self.family().canonical_link()
    }

    fn method_of_df(&self) -> Option<Df> {
        Some(match self.asked.df {
            MixedDf::Normal => Df::Asymptotic,
            MixedDf::BetweenWithin => Df::BetweenWithin,
        })
    }

    fn notes(&self) -> Vec<String> {
        self.notes_of_fit()
    }
}

/// The nodes that can be had.
fn check_nodes(asked: Quadrature, cells: &Cells) -> Result<Nodes> {
    match asked {
        Quadrature::Auto => Ok(Nodes::Auto),
        Quadrature::Laplace => Ok(Nodes::Laplace),
        Quadrature::Nodes(1) => Ok(Nodes::Number(1)),
        Quadrature::Nodes(n) if !cells.is_nested() => Err(Error::conflict(
            format!("quadrature with {n} nodes"),
            "factors of random effects are crossed, and the integral over all of them at once does not fall into small ones",
            "choose `laplace`, or `auto`",
        )),
        Quadrature::Nodes(n) if cells.all_nodes(n) > MOST_ASKED => Err(Error::out_of_range(
            format!("quadrature with {n} nodes"),
            format!("in {} dimensions that is {:.0} nodes in all", cells.dimension(), cells.all_nodes(n)),
            format!("choose at most {}, or `auto`", MOST_ASKED.powf(1.0 / cells.dimension().max(1) as f64).floor()),
        )),
        Quadrature::Nodes(n) => Ok(Nodes::Number(n)),
    }
}

/// A failure in the words of the trial.
fn unfit(why: Unfit, observations: &Observations, terms: &Terms) -> NotFitted {
    match why {
        Unfit::NotConverged => NotFitted::NoMaximum,
        Unfit::InfiniteVariance(theta) => NotFitted::InfiniteVariance { of: terms.name(observations.design().random(), theta) },
        Unfit::InfiniteCoefficients => {
            NotFitted::Separated { what: "the columns predict some outcomes without error".into(), columns: vec![] }
        }
        Unfit::Singular => NotFitted::VariancesNotDetermined,
    }
}

/// H⁻¹ (Σ s s') H⁻¹, the scores of units added up by clusters of patients.
fn robust(cells: &Cells, found: &Approximation, observations: &Observations, clusters: &PatientClusters) -> Result<DMatrix<f64>> {
    let d = cells.d();
    let (members, ends) = clusters.members();
    let mut cluster_of = vec![0; observations.n_patients()];
    let mut start = 0;
    for (c, &end) in ends.iter().enumerate() {
        members[start..end].iter().for_each(|&i| cluster_of[i] = c);
        start = end;
    }
    if ends.len() <= observations.width() {
        return Err(Error::NotFitted(NotFitted::TooFewClusters { clusters: ends.len(), columns: observations.width() }));
    }
    let of_units = cells.scores(&found.psi, found.nodes);
    let mut scores = DMatrix::<f64>::zeros(ends.len(), d);
    for (u, unit) in cells.units.iter().enumerate() {
        let first = cells.order[unit.observations.start];
        let cluster = cluster_of[observations.patient_of(first)];
        (0..d).for_each(|k| scores[(cluster, k)] += of_units[u * d + k]);
    }
    // θ at an end of its range has no score.
    let bread = DMatrix::from_row_slice(d, d, &found.vcov);
    Ok(&bread * (scores.transpose() * scores) * &bread)
}
