//! What a fit would take, estimated before it is begun.
//!
//! An estimate is right within a factor of about three: it counts the multiplications of the matrices that grow fastest,
//! and the memory of those that are kept. Most fits are thousands of times cheaper than the limits.

use super::centring::Centring;
use super::clusters::Shape;
use super::elimination::Elimination;
use super::matrix_free::{FEW, Sizes, are_enough, unbounded_up_to};
use super::touched::Touch;
use super::{Engine, Failure, moments};
use crate::design::{Design, PatientClusters};
use crate::table::counted;
use std::collections::BTreeMap;

/// The memory, in bytes, beyond which a fit is not begun unless it is told to.
const MEMORY: f64 = 4e9;
/// The same for the time, in seconds.
const TIME: f64 = 120.0;
/// Multiplications a second in matrices that are too large for the cache, on one thread of an ordinary machine.
const SPEED: f64 = 1.5e9;
/// Evaluations of the likelihood, with its derivatives, that a search takes.
const EVALUATIONS: f64 = 10.0;
const BYTES: f64 = 8.0;

/// What is to be fitted and asked of the fit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work<'d> {
    pub design: &'d Design,
    pub engine: Engine,
    /// Covariance parameters within patients, of all groups.
    pub parameters: usize,
    /// Whether degrees of freedom take derivatives of X'V⁻¹X.
    pub slopes: bool,
    /// Whether they adjust the covariance of the estimates.
    pub adjusted: bool,
    /// Whether the degrees of freedom of every coefficient come from a cluster-robust covariance.
    pub robust: bool,
    /// Whether the covariance is of the kind for which no Hessian need be formed.
    pub unstructured: bool,
    /// Whether degrees of freedom rest on the expected information, which is formed.
    pub expected: bool,
}

/// One part of the work.
struct Part {
    bytes: f64,
    products: f64,
    why: String,
}

impl Work<'_> {
    /// Refuses work beyond the limits, saying what it takes and why.
    pub fn check(&self) -> Result<(), Failure> {
        // More parameters than observations are refused for that.
        if self.parameters > self.design.n_observations() {
            return Ok(());
        }
        let refused = match judged(&self.parts(None)) {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        };
        // Most designs are cheap whatever their patients touch.
        self.elimination().map_or(Err(refused), |order| judged(&self.parts(Some(&order))))
    }

    /// The order in which the columns of the mean are eliminated, where patients touch few of many.
    fn elimination(&self) -> Option<Elimination> {
        if self.engine != Engine::Patterns || self.adjusted {
            return None;
        }
        let design = self.design;
        let kept: Vec<usize> = (0..design.columns.len()).filter(|&c| design.account.aliased.iter().all(|a| a.column != c)).collect();
        let design = &*Centring::of(design, &kept).applied(design);
        let rows = moments::active_rows(&design.columns, design.rows.weights.is_some(), &kept);
        Touch::of(design, &rows).elimination(kept.len())
    }

    fn parts(&self, order: Option<&Elimination>) -> Vec<Part> {
        let p = (self.design.columns.len() - self.design.account.aliased.len()) as f64;
        let visits = self.design.columns.visits.len() as f64;
        let patients = self.design.rows.patients.len() as f64;
        match self.engine {
            Engine::SparseEffects => vec![mean(p)],
            Engine::Patterns => {
                let products = self.products();
                let covariance = match products {
                    Some(sizes) => without_hessian(&sizes),
                    None => self.covariance(visits),
                };
                let mut parts = match order {
                    Some(order) if products.is_some() => vec![mean_in_order(order), covariance],
                    None if products.is_some() => vec![mean(p), covariance],
                    Some(order) => vec![mean_in_order(order), covariance, self.slopes_in_order(order)],
                    None => vec![mean(p), covariance, self.slopes_of(p, "columns of the mean model")],
                };
                // Clusters above patients touch other columns.
                let above = self.design.rows.clusters.as_ref().is_some_and(PatientClusters::above_patients);
                let width = order.filter(|_| !above).map_or(p, |order| order.widest() as f64);
                parts.extend(self.robust.then(|| robust(patients, p, width)));
                parts
            }
            Engine::DenseEffects => {
                let shape = Shape::cheapest(self.design, p as usize);
                let mut parts = vec![effects(&shape), self.covariance(visits), self.slopes_of_effects(&shape)];
                parts.extend(self.robust.then(|| robust(patients, p, p)));
                parts
            }
        }
    }

    /// What products with the Hessian take, where they are cheaper than the Hessian and nothing asks for that.
    fn products(&self) -> Option<Sizes> {
        if !self.unstructured || (self.parameters as f64) < FEW || self.adjusted || (self.slopes && self.expected) {
            return None;
        }
        let (columns, y) = (&self.design.columns, &self.design.rows.y);
        let (t, p) = (columns.visits.len(), columns.len() - self.design.account.aliased.len());
        let (rows, groups) = (&self.design.rows, columns.groups.len());
        let seen = |patient: usize| (0..t).filter(move |v| !y[patient * t + v].is_nan()).collect::<Vec<usize>>();
        let mut patients = vec![0.0; groups];
        let mut patterns: BTreeMap<(usize, Vec<usize>), f64> = BTreeMap::new();
        for (patient, &group) in rows.group_of.iter().enumerate() {
            patients[group] += 1.0;
            *patterns.entry((group, seen(patient))).or_default() += 1.0;
        }
        let lost =
            || unbounded_up_to((groups, t, p), patterns.iter().map(|((group, visits), &n)| (*group, visits.as_slice(), n))).is_some();
        // What has no maximum for sure is refused before a search.
        if !are_enough(&patients, t, p) && !lost() {
            return None;
        }
        let values = moments::value_count(self.design);
        let sizes = Sizes::of(groups, t, p, values, patterns.keys().map(|(_, visits)| visits.as_slice()));
        Some(sizes).filter(Sizes::favour_products)
    }

    /// Second derivatives for all pairs of covariance parameters.
    fn covariance(&self, visits: f64) -> Part {
        second_derivatives(self.parameters as f64, visits)
    }

    /// How Henderson's matrix moves with every covariance parameter within patients.
    fn slopes_of_effects(&self, shape: &Shape) -> Part {
        let (k, size) = (self.parameters as f64, shape.len() as f64);
        let bytes = 3.0 * BYTES * k * size;
        let derived = if self.slopes { 1.0 } else { 0.5 };
        Part {
            bytes,
            products: derived * (2.0 * k * shape.products() as f64 + k * k * size),
            why: format!(
                "{} random effects and columns of the mean model have a matrix for each of {k} covariance parameters within patients",
                shape.columns()
            ),
        }
    }

    /// How X'V⁻¹X moves with every covariance parameter, where patients touch few columns.
    fn slopes_in_order(&self, order: &Elimination) -> Part {
        let (k, n) = (if self.slopes { self.parameters as f64 } else { 0.0 }, order.columns() as f64);
        Part {
            products: k * (4.0 * order.products() as f64 + k * order.elements() as f64),
            ..self.slopes_of(n, "columns of the mean model")
        }
    }

    /// How X'V⁻¹X moves with every covariance parameter.
    fn slopes_of(&self, n: f64, of: &str) -> Part {
        let k = if self.slopes { self.parameters as f64 } else { 0.0 };
        Part {
            bytes: 2.0 * BYTES * k * n * n,
            products: 0.7 * k * n.powi(3) + 0.1 * k * k * n * n,
            why: format!(
                "degrees of freedom take a matrix of {n} {of} for each of {k} covariance parameters; other methods than Satterthwaite's and Kenward and Roger's do not"
            ),
        }
    }
}

/// Refuses a Hessian of so many covariance parameters, with how X'V⁻¹X moves with each, where it is beyond the limits.
pub(super) fn hessian(parameters: usize, visits: usize, columns: usize) -> Result<(), Failure> {
    let (k, p) = (parameters as f64, columns as f64);
    let covariance = second_derivatives(k, visits as f64);
    let slopes = Part { bytes: 2.0 * BYTES * k * p * p, products: 0.7 * k * p.powi(3) + 0.1 * k * k * p * p, why: covariance.why.clone() };
    judged(&[covariance, slopes])
}

fn second_derivatives(k: f64, visits: f64) -> Part {
    Part {
        bytes: 8.0 * BYTES * k * k,
        products: EVALUATIONS * (0.2 * k.powi(3) + visits.powi(4)),
        why: format!(
            "the covariance of {} has {}, and every pair of them a second derivative",
            counted(visits, "visit"),
            counted(k, "parameter")
        ),
    }
}

/// A search by products with the Hessian.
fn without_hessian(sizes: &Sizes) -> Part {
    let Sizes { visits, parameters, .. } = sizes;
    Part {
        bytes: sizes.bytes(),
        products: sizes.search(),
        why: format!(
            "the covariance of {visits} visits has {parameters} parameters, and every step of the search goes over all patterns of visits that \
             patients have"
        ),
    }
}

/// Refuses parts that together are beyond the limits, for the one that weighs most.
fn judged(parts: &[Part]) -> Result<(), Failure> {
    let bytes: f64 = parts.iter().map(|p| p.bytes).sum();
    let seconds = parts.iter().map(|p| p.products).sum::<f64>() / SPEED;
    if bytes <= MEMORY && seconds <= TIME {
        return Ok(());
    }
    let weight = |p: &Part| (p.bytes / MEMORY).max(p.products / SPEED / TIME);
    let why = parts.iter().max_by(|a, b| weight(a).total_cmp(&weight(b))).map_or(String::new(), |p| p.why.clone());
    Err(Failure::Costly { bytes, seconds, why })
}

/// Henderson's equations, component by component.
fn effects(shape: &Shape) -> Part {
    let (effects, largest, beside) = (shape.effects(), shape.largest(), shape.joined());
    let tied = match beside {
        0 => format!("of the {effects} random effects {largest} are tied to each other by patients that they share"),
        _ => format!("of the {effects} random effects, {beside} are crossed with the others, {largest} of which are tied to each other"),
    };
    Part {
        bytes: 16.0 * BYTES * shape.len() as f64,
        products: EVALUATIONS * 3.0 * shape.products() as f64,
        why: format!("{tied}, above a covariance of the visits"),
    }
}

/// X'V⁻¹X and its inverse.
fn mean(p: f64) -> Part {
    Part {
        bytes: 10.0 * BYTES * p * p,
        products: EVALUATIONS * p.powi(3),
        why: format!("the mean model has {}; a factor of very many levels is better a random effect", counted(p, "column")),
    }
}

/// The same, where patients touch few columns.
fn mean_in_order(order: &Elimination) -> Part {
    Part { products: EVALUATIONS * 2.0 * order.products() as f64, ..mean(order.columns() as f64) }
}

/// Degrees of freedom of every coefficient under a cluster-robust covariance, of clusters that touch so many columns.
fn robust(clusters: f64, p: f64, width: f64) -> Part {
    Part {
        bytes: BYTES * p * p * 16.0,
        products: 0.5 * clusters * p * width.powi(2),
        why: format!(
            "a cluster-robust covariance has degrees of freedom that go over {} for each of {}; with `residual` or `normal` degrees of \
             freedom it has not",
            counted(clusters, "patient"),
            counted(p, "coefficient")
        ),
    }
}

/// `about 12 minutes and 30 GB`.
pub(super) fn amount(bytes: f64, seconds: f64) -> String {
    let time = match seconds {
        s if s < 100.0 => format!("{} seconds", rounded(s)),
        s if s < 6000.0 => format!("{} minutes", rounded(s / 60.0)),
        s => format!("{} hours", rounded(s / 3600.0)),
    };
    let memory = if bytes < 1e9 { format!("{} MB", rounded(bytes / 1e6)) } else { format!("{} GB", rounded(bytes / 1e9)) };
    format!("about {time} and {memory} of memory")
}

/// Two significant digits.
fn rounded(x: f64) -> f64 {
    let unit = 10_f64.powf(x.abs().max(1.0).log10().floor() - 1.0).max(1.0);
    ((x / unit).round() * unit).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::{DesignOptions, MeanModel};
    use crate::trial::{Outcome, Schedule, Trial};
    use std::collections::BTreeSet;

    /// A factor of so many levels in the mean beside arm by visit, an unstructured covariance of six visits, Satterthwaite's
    /// degrees of freedom: what is judged of it, with and without an order.
    fn judged_of(levels: usize) -> [Result<(), Failure>; 2] {
        let trial = Trial::builder("four invented patients")
            .patients(["a", "b", "c", "d"])
            .arms(["only"], vec![0; 4])
            .schedule(Schedule::of_labels(["v1"]))
            .outcome(Outcome { name: "y".into(), label: "y".into(), range: None, values: vec![1.0, 2.0, 4.0, 3.0] })
            .build()
            .expect("a trial");
        let design = Design::build(&trial, &MeanModel::parse("y ~ 1").expect("parses"), &DesignOptions::default()).expect("a design");
        // Only the parameters matter to the parts that are asked for.
        let work = Work {
            design: &design,
            engine: Engine::Patterns,
            parameters: 21,
            slopes: true,
            adjusted: false,
            robust: false,
            unstructured: false,
            expected: false,
        };
        let touched: BTreeSet<Vec<usize>> = (0..levels).map(|l| std::iter::once(l).chain(levels..levels + 12).collect()).collect();
        let columns = (levels + 12) as f64;
        let order = Elimination::of(levels + 12, &touched).expect("it saves");
        [
            judged(&[mean(columns), work.covariance(6.0), work.slopes_of(columns, "columns")]),
            judged(&[mean_in_order(&order), work.covariance(6.0), work.slopes_in_order(&order)]),
        ]
    }

    #[test]
    fn a_factor_of_two_thousand_levels_is_no_longer_refused() {
        let [dense, in_order] = judged_of(2000);
        assert!(matches!(dense, Err(Failure::Costly { seconds, .. }) if seconds > TIME), "{dense:?}");
        assert!(in_order.is_ok(), "{in_order:?}");
        // Nothing else is relaxed: the derivatives of five thousand columns do not fit.
        let [_, in_order] = judged_of(5000);
        assert!(matches!(in_order, Err(Failure::Costly { bytes, .. }) if bytes > MEMORY), "{in_order:?}");
    }
}
