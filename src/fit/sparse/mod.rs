//! Linear mixed models whose residuals are independent: y = Xβ + Zu + ε with u ~ N(0, G) level by level, ε ~ N(0,
//! σ²I) or σ² over the weights.
//!
//! Any number of random terms, nested or crossed, with thousands of levels. All cross products of \[Z X y\] are
//! summed once ([`data`]); what follows from the rows of X and Z alone is made once for all levels that have the same
//! ([`designs`]). One factor, the one with most effects, is eliminated level by level; what remains of the others falls
//! into components, each a dense matrix ([`layout`], [`point`]): nested factors cost what their levels are, two crossed
//! ones a factor of the smaller one's size. First and second derivatives are exact ([`curvature`], [`components`]), so
//! that the search takes few steps from where scoring ends ([`start`], [`profiled`]).

mod blocks;
mod coefficients;
mod components;
mod condensed;
mod contrasts;
mod curvature;
mod data;
pub(super) mod dense;
mod designs;
mod effects;
mod eta;
mod identified;
mod layout;
mod links;
mod merged;
mod model;
mod natural;
mod outcomes;
mod parameters;
mod point;
mod profiled;
mod refit;
mod rotation;
mod rows;

#[cfg(test)]
mod references;
mod small;
mod start;
#[cfg(test)]
mod tests;

pub(super) use coefficients::by_effects;

use super::clusters::Clusters;
use super::optimum::Optimum;
use super::search::{Search, Steps};
use super::{Convergence, Engine, Estimation, Failure};
use crate::design::{Design, RandomTerm};
use contrasts::{Multipliers, Turned};
use curvature::Curvature;
use data::Data;
use layout::Layout;
use nalgebra::{DMatrix, DVector};
use parameters::Parameters;
use point::{Point, Problem};
use profiled::Profiled;
use start::Start;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

/// The optimum of a linear mixed model's likelihood.
#[derive(Debug)]
pub(crate) struct SparseFit {
    /// σ², then per term the lower triangle of G row by row; its diagonal alone where the effects are independent.
    pub theta: Vec<f64>,
    /// −2ℓ.
    pub value: f64,
    /// β of the columns kept.
    pub beta: DVector<f64>,
    /// (X'V⁻¹X)⁻¹.
    pub phi: DMatrix<f64>,
    /// How the search ended, with the variances, or the combinations of effects, that vanished.
    pub convergence: Convergence,
    problem: Problem,
    point: Point,
    /// θ of the effects as they were fitted, and how they are those of the design.
    fitted: Vec<f64>,
    turned: Turned,
    /// Where the effects stand in θ of the design.
    pub clusters: Clusters,
    /// The derivatives at the optimum, when first asked for.
    curvature: OnceLock<Curvature>,
    /// The same optimum by the dense engine, when first asked for.
    dense: Arc<OnceLock<Result<Optimum, Failure>>>,
}

impl SparseFit {
    /// Fits the columns `kept` of a design.
    ///
    /// # Errors
    /// Where nothing can be estimated: see [`Failure`].
    pub fn new(design: &Design, kept: &[usize], estimation: Estimation) -> Result<Self, Failure> {
        let random = &design.rows.random;
        let parameters = Parameters::of(random);
        identified::levels(random, parameters.names(), |term| parameters.position(term, 0, 0))?;
        check_sizes(design, kept)?;
        let layout = Layout::of(design);
        check_components(random, &layout)?;
        let Multipliers { z, turned } = Multipliers::of(random, &parameters);
        let (data, _) = Data::of(design, &layout, &z, kept)?;
        has_variation(data.total, data.squares)?;
        let problem = Problem { data, layout, parameters, estimation };
        let scale = scales(random, &z, &problem.parameters);
        let factors = random.iter().map(|term| term.factor.clone()).collect();
        let Start { point, next, curvature, errors, evaluations, .. } = Start::of(&problem, &scale)?;
        let objective = Profiled { problem, scale, errors, factors };
        let room = objective.room_of(curvature, true);
        let mut search = Search::within(&objective, point, next, room);
        let steps = search.minimise(&objective)?;
        // Both count the evaluation at which the search begins.
        let steps = Steps { evaluations: steps.evaluations + evaluations - 1, ..steps };
        Ok(Self::at(objective.problem, search.place, steps, turned, random))
    }

    /// The optimum at which a search has ended; `random` are the effects of the design.
    fn at(problem: Problem, point: Point, steps: Steps, turned: Turned, random: &[RandomTerm]) -> Self {
        let fitted = problem.theta(&point);
        let (beta, phi) = problem.mean(&point);
        let convergence = Convergence {
            engine: Engine::SparseEffects,
            iterations: steps.iterations,
            evaluations: steps.evaluations,
            decrement: steps.decrement,
            boundary: problem.parameters.vanished(random, &point.lambda),
        };
        Self {
            theta: turned.theta(&fitted),
            value: point.value,
            beta,
            phi: phi * fitted[0],
            convergence,
            clusters: Clusters::of(random, problem.data.columns),
            problem,
            point,
            fitted,
            turned,
            curvature: OnceLock::new(),
            dense: Arc::default(),
        }
    }

    /// The derivatives at the optimum.
    fn curvature(&self) -> &Curvature {
        self.curvature.get_or_init(|| {
            let mut curvature = self.problem.blank_curvature();
            self.problem.differentiate(&self.point, &mut curvature, &self.problem.head_elements());
            curvature
        })
    }
}

fn check_sizes(design: &Design, kept: &[usize]) -> Result<(), Failure> {
    let (columns, observations) = (kept.len(), design.rows.y.iter().filter(|y| !y.is_nan()).count());
    if columns == 0 {
        return Err(Failure::NoColumns);
    }
    if observations <= columns {
        return Err(Failure::TooFewObservations { observations, columns });
    }
    Ok(())
}

/// The most effects of a component: a dozen matrices of so many rows and columns are kept.
const MOST_JOINED: usize = 6000;

/// Refuses crossed factors whose effects would not fit in memory.
fn check_components(random: &[RandomTerm], layout: &Layout) -> Result<(), Failure> {
    let effects = layout.components.iter().filter_map(|members| members.starts.last().copied()).max().unwrap_or(0);
    if effects <= MOST_JOINED {
        return Ok(());
    }
    let factors = layout.tail.iter().map(|&term| random[term].factor.clone()).collect();
    Err(Failure::TooManyEffects { factors, effects, most: MOST_JOINED })
}

/// Refuses an outcome of which nothing is left by the mean, or by the mean and the random effects that were
/// eliminated first; `total` is Σ w y², `left` what they leave of it.
fn has_variation(total: f64, left: f64) -> Result<(), Failure> {
    /// The share of a sum of squares that is but rounding.
    const ROUNDING: f64 = 1e-24;
    if left <= ROUNDING * total {
        return Err(Failure::NoResidualVariation);
    }
    Ok(())
}

/// The mean square of what multiplies each effect, over the observations of its factor; by parameter.
fn scales(random: &[RandomTerm], z: &[Cow<[f64]>], parameters: &Parameters) -> Vec<f64> {
    let mean_square = |p: &parameters::Parameter| {
        let term = &random[p.term];
        let k = term.size();
        let own = term.level_of.iter().zip(z[p.term].chunks_exact(k)).filter(|(level, _)| level.is_some());
        let (count, sum) = own.fold((0.0, 0.0), |(count, sum), (_, z)| (count + 1.0, sum + z[p.a] * z[p.b]));
        if sum > 0.0 { sum / count } else { 1.0 }
    };
    parameters.list.iter().map(mean_square).collect()
}
