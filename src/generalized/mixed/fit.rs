//! A maximum of the likelihood, as what is said of it.

use super::approximation::{Approximation, MOST_ASKED, Nodes, TOLERANCE, Unfit};
use super::cells::Cells;
use super::kernel::Kernel;
use super::population::Multipliers;
use super::terms::{Taken, Terms};
use super::{Glmm, Integration, MixedDf, MixedVcov, Quadrature};
use crate::design::{Clusters, PatientClusters, RandomTerm};
use crate::error::{Error, Result};
use crate::estimates::Df;
use crate::generalized::independent::separation_of;
use crate::generalized::method::Method;
use crate::generalized::{Family, GeneralizedFit, NotFitted, Observations, PopulationCell};
use crate::inference::BetweenWithin;
use crate::table::counted;
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
/// It is an [`Estimates`](crate::Estimates) of the coefficients *given the random effects*: what [`Means`](crate::Means) makes of them are
/// conditional means and conditional odds ratios. Probabilities of the population are what
/// [`population_means`](crate::generalized::population_means) makes of it, by integrating the random effects.
pub type MixedFit = GeneralizedFit<Integration>;

/// What a mixed model has beside coefficients and their covariance.
#[derive(Debug)]
pub struct Maximum {
    pub(super) terms: Terms,
    optimum: Approximation,
    /// Whether factors are not crossed; where they are, Laplace's approximation is all there is.
    nested: bool,
    units: usize,
    effects: usize,
    dimension: usize,
    /// The covariance of (β, θ): all columns, then θ.
    pub(super) parameters: DMatrix<f64>,
    clusters: Option<PatientClusters>,
    between_within: BetweenWithin,
    pub(super) multipliers: Multipliers,
}

/// The maximum of the likelihood of these observations.
pub(super) fn maximum(asked: Glmm, observations: Observations) -> Result<MixedFit> {
    let kernel = if asked.outcome_family() == Family::Poisson { Kernel::Count } else { Kernel::Binary };
    let terms = Terms::of(&observations, kernel)?;
    let taken = Taken::of(&observations);
    let cells = Cells::new(taken.given(&observations, kernel), &terms.groupings);
    let nodes = check_nodes(asked.method.quadrature, &cells)?;
    let clusters = match asked.method.vcov {
        MixedVcov::Information => None,
        MixedVcov::Robust => Some(observations.design().patient_clusters(observations.trial(), &Clusters::Highest)?),
    };
    let optimum = cells.maximise(nodes).map_err(|why| {
        let separated = separation_of(&observations, asked.outcome_family(), asked.link_function());
        Error::NotFitted(separated.unwrap_or_else(|| unfit(why, &observations, &terms)))
    })?;
    let covariance = match &clusters {
        None => DMatrix::from_row_slice(cells.d(), cells.d(), &optimum.vcov),
        Some(clusters) => robust(&cells, &optimum, &observations, clusters)?,
    };
    let beta = optimum.psi[..observations.width()].to_vec();
    let iterations = optimum.iterations;
    let found = Maximum {
        parameters: observations.covariance_with_others(&covariance),
        nested: cells.is_nested(),
        units: cells.units.len(),
        effects: cells.effects(),
        dimension: cells.dimension(),
        between_within: BetweenWithin::of(observations.design(), &observations.kept),
        multipliers: Multipliers::of(&observations),
        clusters,
        terms,
        optimum,
    };
    Ok(MixedFit::new(asked, observations, &beta, &covariance, iterations, found))
}

impl MixedFit {
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
        self.found.terms.lambda(&self.random()[term], term, self.theta())
    }

    /// θ: the elements of the Cholesky factors Λ of the G = ΛΛ', term by term.
    pub fn theta(&self) -> &[f64] {
        &self.found.optimum.psi[self.observations.width()..]
    }

    /// −2 log L at the maximum, approximated at the nodes used.
    pub fn minus_two_log_likelihood(&self) -> f64 {
        self.found.optimum.minus_two_log_likelihood
    }

    /// The nodes used per dimension; 1 for Laplace's approximation.
    pub fn nodes(&self) -> usize {
        self.found.optimum.nodes
    }

    /// Whether another number of nodes gave the same −2 log L and parameters; `None` where one number was asked for, or
    /// quadrature is impossible.
    pub fn nodes_settled(&self) -> Option<bool> {
        self.found.optimum.settled
    }

    /// The numbers of nodes that were tried, in order, with what each gave.
    pub fn by_nodes(&self) -> Vec<NodesTried> {
        let width = self.observations.width();
        let tried = |rung: &super::approximation::Rung| NodesTried {
            nodes: rung.nodes,
            minus_two_log_likelihood: rung.minus_two_log_likelihood,
            beta: self.observations.of_all_columns(&rung.psi[..width]),
        };
        self.found.optimum.rungs.iter().map(tried).collect()
    }

    /// The step that Newton's method would take next, √(g'H⁻¹g), in standard errors.
    pub fn last_step(&self) -> f64 {
        self.found.optimum.step
    }

    /// Sets of observations that share no random effect: clusters, patients without any.
    pub fn n_independent(&self) -> usize {
        self.found.units
    }

    /// The number of random effects of all levels.
    pub fn n_effects(&self) -> usize {
        self.found.effects
    }

    /// Names of the effects whose variance, given those before them, has vanished: the fit is that of the model without
    /// them.
    pub fn vanished(&self) -> Vec<String> {
        let terms = self.random();
        let mut names = vec![];
        for (t, own) in self.found.terms.elements.iter().enumerate() {
            let gone = own.iter().filter(|&&(row, column, at)| row == column && self.found.optimum.held[at]);
            names.extend(gone.map(|&(row, ..)| format!("{} by {}", terms[t].effects[row], terms[t].factor)));
        }
        names
    }

    /// The number of parameters of the likelihood, those that have vanished counted.
    pub fn n_parameters(&self) -> usize {
        self.found.optimum.psi.len()
    }

    /// −2 log L + 2 d for d parameters.
    pub fn aic(&self) -> f64 {
        self.minus_two_log_likelihood() + 2.0 * self.n_parameters() as f64
    }

    /// −2 log L + d log n for the n [independent](MixedFit::n_independent) clusters, as GLIMMIX counts them.
    pub fn bic(&self) -> f64 {
        self.minus_two_log_likelihood() + self.n_parameters() as f64 * (self.found.units as f64).ln()
    }

    /// The covariance of (β, θ): every column of the mean, then θ.
    pub fn parameter_covariance(&self) -> &DMatrix<f64> {
        &self.found.parameters
    }

    /// How the likelihood was approximated, in a sentence.
    fn approximation(&self) -> String {
        match (self.asked.method.quadrature, self.found.optimum.settled) {
            (Quadrature::Auto, Some(true)) => {
                let (value, parameter) = self.found.optimum.moved.unwrap_or_default();
                let before = self.found.optimum.rungs.len().checked_sub(2).map_or(0, |k| self.found.optimum.rungs[k].nodes);
                format!(
                    "adaptive Gauss–Hermite quadrature with {} nodes per dimension, found sufficient: from {before} nodes −2 log L moved by \
                     {value:.1e} and no parameter by more than {parameter:.1e} of its standard error (tolerance {TOLERANCE:.0e})",
                    self.nodes()
                )
            }
            (Quadrature::Auto, Some(false)) => {
                let (value, parameter) = self.found.optimum.moved.unwrap_or_default();
                format!(
                    "adaptive Gauss–Hermite quadrature with {} per dimension, the most that are tried for {}: −2 log L still \
                     moved by {value:.1e}, some parameter by {parameter:.1e} of its standard error",
                    counted(self.nodes(), "node"),
                    counted(self.found.dimension, "dimension")
                )
            }
            (Quadrature::Auto, None) if !self.found.nested => {
                "Laplace's approximation, since factors of random effects are crossed and quadrature is impossible; it is biased where levels \
                 have few observations"
                    .into()
            }
            (Quadrature::Auto, None) => {
                format!("Laplace's approximation, since quadrature over {} is impossible", counted(self.found.dimension, "dimension"))
            }
            (Quadrature::Laplace | Quadrature::Nodes(1), _) => "Laplace's approximation (one node)".into(),
            (Quadrature::Nodes(n), _) => format!("adaptive Gauss–Hermite quadrature with the {n} nodes per dimension asked for"),
        }
    }
}

impl Method for Integration {
    type Found = Maximum;

    fn df(fit: &MixedFit, l: &[f64]) -> f64 {
        match fit.asked.method.df {
            MixedDf::Normal => f64::INFINITY,
            MixedDf::BetweenWithin => {
                let kept = &fit.observations.kept;
                let weights: Vec<f64> = kept.iter().map(|&c| l[c]).collect();
                fit.found.between_within.of_weights(kept, &weights)
            }
        }
    }

    fn method_of_df(fit: &MixedFit) -> Option<Df> {
        Some(match fit.asked.method.df {
            MixedDf::Normal => Df::Asymptotic,
            MixedDf::BetweenWithin => Df::BetweenWithin,
        })
    }

    fn notes(fit: &MixedFit) -> Vec<String> {
        let model = &fit.asked;
        let of = match fit.family() {
            Family::Binomial => format!("The log odds of {} = {}", model.mean().outcome_name(), model.outcome_event()),
            _ => format!("The logarithm of the mean of {}", model.mean().outcome_name()),
        };
        let effects: Vec<String> = model.random_effects().iter().map(ToString::to_string).collect();
        let mut notes = vec![
            format!("{of} given the random effects {}: maximum likelihood by {}.", effects.join(" + "), fit.approximation()),
            "Coefficients, and odds ratios or ratios made of them, are conditional: for one and the same level of the random effects. \
             They are not those of the population."
                .into(),
        ];
        let reference = match fit.asked.method.df {
            MixedDf::Normal => "normal distribution",
            MixedDf::BetweenWithin => "t with between-within degrees of freedom",
        };
        let covariance = match &fit.found.clusters {
            None => fit.asked.method.vcov.words().to_string(),
            Some(clusters) => format!("{}, {}", fit.asked.method.vcov.words(), clusters.sentence()),
        };
        notes.push(format!("Covariance: {covariance}; {reference}."));
        notes.extend(fit.observations.note_of_offset());
        let vanished = fit.vanished();
        if !vanished.is_empty() {
            let (whose, without) = match fit.theta().iter().all(|t| *t == 0.0) {
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

    fn parameters_vcov(fit: &MixedFit) -> &DMatrix<f64> {
        &fit.found.parameters
    }

    fn population_mean(fit: &MixedFit, cell: &PopulationCell, gradient: &mut [f64]) -> f64 {
        fit.integrated_mean(cell, gradient)
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
            format!("in {} that is {:.0} nodes in all", counted(cells.dimension(), "dimension"), cells.all_nodes(n)),
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
