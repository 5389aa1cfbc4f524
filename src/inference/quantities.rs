//! What a covariance is described by, as functions of its parameters with exact derivatives: the parameters
//! themselves, standard deviations and correlations.

use super::random_effects::FittedTerm;
use crate::covariance::{Boundary, lower};
use crate::fit::curvature::Curvature;
use crate::fit::optimum::Optimum;
use crate::options::choices;
use nalgebra::{DMatrix, DVector};

/// What kind of number describes a covariance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CovarianceQuantity {
    /// A parameter of the structure, as [`Fit::covariance_parameters`](super::MomentsFit::covariance_parameters) has it.
    Parameter,
    /// The standard deviation or correlation of random effects.
    RandomEffect,
    /// The standard deviation at a visit.
    StandardDeviation,
    /// The correlation of two visits.
    Correlation,
    /// The share of clusters in the variance of an observation; see [`Fit::icc`](super::Fit::icc).
    IntraclassCorrelation,
}

choices! {
    CovarianceQuantity, "quantity of a covariance":
    Parameter = "parameter", [], "a parameter of the structure";
    RandomEffect = "random-effect", [], "the standard deviation or correlation of random effects";
    StandardDeviation = "standard-deviation", ["sd"], "the standard deviation at a visit";
    Correlation = "correlation", [], "the correlation of two visits";
    IntraclassCorrelation = "intraclass-correlation", ["icc"], "the share of clusters in the variance of an observation";
}

/// A number that the covariance parameters determine.
#[derive(Debug, Clone)]
pub(super) struct Quantity {
    pub kind: CovarianceQuantity,
    /// The group of patients; `None` for what belongs to the clusters.
    pub group: Option<usize>,
    pub label: String,
    pub form: Form,
}

/// How it is made of elements.
#[derive(Debug, Clone)]
pub(super) enum Form {
    Element(Element),
    Root(Element),
    /// The covariance over the roots of the two variances.
    Correlation {
        variances: [Element; 2],
        covariance: Element,
    },
    /// One weighted sum of elements over another.
    Ratio {
        over: Sum,
        under: Sum,
    },
}

/// Elements with their weights.
pub(super) type Sum = Vec<(f64, Element)>;

/// Something that is a parameter, or an element of a group's Σ.
#[derive(Debug, Clone, Copy)]
pub(super) enum Element {
    Parameter(usize),
    Sigma { group: usize, at: (usize, usize) },
}

/// A value with its gradient and Hessian over the parameters.
pub(super) struct Curve {
    pub value: f64,
    pub over: Curvature,
}

/// All quantities of a fit: parameters and random effects, then standard deviations and correlations of the visits,
/// group by group; behind them those of the effects of clusters.
pub(super) fn quantities(optimum: &Optimum, visits: &[String], clusters: &[FittedTerm]) -> Vec<Quantity> {
    let (sigmas, names) = (&optimum.sigmas, &optimum.parameter_names);
    let per_group = sigmas.per_group;
    let mut found = vec![];
    for group in 0..sigmas.groups {
        let first = group * per_group;
        let mut add = |kind, label: String, form| found.push(Quantity { kind, group: Some(group), label, form });
        for k in first..first + per_group {
            add(CovarianceQuantity::Parameter, names[k].clone(), Form::Element(Element::Parameter(k)));
        }
        for boundary in sigmas.structure().boundaries() {
            let Boundary::Semidefinite { first: start, size } = boundary else { continue };
            let at = |a: usize, b: usize| first + start + lower(a, b);
            for a in 0..size {
                let label = renamed(&names[at(a, a)], "variance", "SD");
                add(CovarianceQuantity::RandomEffect, label, Form::Root(Element::Parameter(at(a, a))));
                for b in 0..a {
                    let label = renamed(&names[at(a, b)], "covariance", "correlation");
                    let variances = [at(a, a), at(b, b)].map(Element::Parameter);
                    let form = Form::Correlation { variances, covariance: Element::Parameter(at(a, b)) };
                    add(CovarianceQuantity::RandomEffect, label, form);
                }
            }
        }
        let sigma = |a: usize, b: usize| Element::Sigma { group, at: (a, b) };
        for (a, visit) in visits.iter().enumerate() {
            add(CovarianceQuantity::StandardDeviation, visit.clone(), Form::Root(sigma(a, a)));
        }
        for a in 0..visits.len() {
            for b in 0..a {
                let form = Form::Correlation { variances: [sigma(a, a), sigma(b, b)], covariance: sigma(a, b) };
                add(CovarianceQuantity::Correlation, format!("{}, {}", visits[b], visits[a]), form);
            }
        }
    }
    clusters.iter().for_each(|term| found.extend(of_clusters(term, names)));
    found
}

/// The parameters of a cluster factor, then the standard deviations of its effects and their correlations.
fn of_clusters(term: &FittedTerm, names: &[String]) -> Vec<Quantity> {
    let quantity = |kind, label, form| Quantity { kind, group: None, label, form };
    let parameter =
        |(k, _): (usize, (usize, usize))| quantity(CovarianceQuantity::Parameter, names[k].clone(), Form::Element(Element::Parameter(k)));
    let described = |(k, (a, b)): (usize, (usize, usize))| {
        let of = |a: usize| term.parameter(a, a).map(Element::Parameter);
        let (label, form) = match of(a).zip(of(b)) {
            Some((u, v)) if a != b => {
                let form = Form::Correlation { variances: [u, v], covariance: Element::Parameter(k) };
                (renamed(&names[k], "covariance", "correlation"), form)
            }
            _ => (renamed(&names[k], "variance", "SD"), Form::Root(Element::Parameter(k))),
        };
        quantity(CovarianceQuantity::RandomEffect, label, form)
    };
    term.parameters().map(parameter).chain(term.parameters().map(described)).collect()
}

fn renamed(name: &str, from: &str, to: &str) -> String {
    name.strip_prefix(from).map_or_else(|| format!("{to}: {name}"), |rest| format!("{to}{rest}"))
}

impl Form {
    /// Value and derivatives at θ.
    pub fn curve(&self, optimum: &Optimum, theta: &[f64]) -> Curve {
        let of = |element: Element| element.curve(optimum, theta);
        match self {
            &Form::Element(element) => of(element),
            &Form::Root(element) => {
                let inner = of(element);
                let root = inner.value.sqrt();
                chained(root, &[inner], &[0.5 / root], &[vec![-0.25 / root.powi(3)]])
            }
            &Form::Correlation { variances: [u, v], covariance } => {
                let inner = [of(u), of(v), of(covariance)];
                let (u, v) = (inner[0].value, inner[1].value);
                let scale = 1.0 / (u * v).sqrt();
                let r = inner[2].value * scale;
                let first = [-0.5 * r / u, -0.5 * r / v, scale];
                let second = [
                    vec![0.75 * r / (u * u), 0.25 * r / (u * v), -0.5 * scale / u],
                    vec![0.25 * r / (u * v), 0.75 * r / (v * v), -0.5 * scale / v],
                    vec![-0.5 * scale / u, -0.5 * scale / v, 0.0],
                ];
                chained(r, &inner, &first, &second)
            }
            Form::Ratio { over, under } => {
                let inner = [sum(over, optimum, theta), sum(under, optimum, theta)];
                let (ratio, scale) = (inner[0].value / inner[1].value, 1.0 / inner[1].value);
                let first = [scale, -ratio * scale];
                let second = [vec![0.0, -scale * scale], vec![-scale * scale, 2.0 * ratio * scale * scale]];
                chained(ratio, &inner, &first, &second)
            }
        }
    }
}

/// A weighted sum of elements.
pub(super) fn sum(terms: &Sum, optimum: &Optimum, theta: &[f64]) -> Curve {
    let n = theta.len();
    let mut total = Curve { value: 0.0, over: Curvature { gradient: DVector::zeros(n), hessian: DMatrix::zeros(n, n) } };
    for (weight, element) in terms {
        let own = element.curve(optimum, theta);
        total.value += weight * own.value;
        total.over.gradient += own.over.gradient * *weight;
        total.over.hessian += own.over.hessian * *weight;
    }
    total
}

/// The derivatives of f(inner…), given those of f over its arguments.
fn chained(value: f64, inner: &[Curve], first: &[f64], second: &[Vec<f64>]) -> Curve {
    let n = inner[0].over.gradient.len();
    let mut over = Curvature { gradient: DVector::zeros(n), hessian: DMatrix::zeros(n, n) };
    for (i, (own, slope)) in inner.iter().zip(first).enumerate() {
        over.gradient += &own.over.gradient * *slope;
        over.hessian += &own.over.hessian * *slope;
        for (j, other) in inner.iter().enumerate() {
            over.hessian += &own.over.gradient * other.over.gradient.transpose() * second[i][j];
        }
    }
    Curve { value, over }
}

impl Element {
    pub fn curve(self, optimum: &Optimum, theta: &[f64]) -> Curve {
        let n = theta.len();
        let mut over = Curvature { gradient: DVector::zeros(n), hessian: DMatrix::zeros(n, n) };
        match self {
            Element::Parameter(k) => {
                over.gradient[k] = 1.0;
                Curve { value: theta[k], over }
            }
            Element::Sigma { group, at } => {
                let (sigmas, structure) = (&optimum.sigmas, optimum.sigmas.structure());
                let (own, first) = (sigmas.of_group(theta, group), group * sigmas.per_group);
                let mut matrix = DMatrix::zeros(structure.visits(), structure.visits());
                for k in 0..own.len() {
                    structure.derivative(own, k, &mut matrix);
                    over.gradient[first + k] = matrix[at];
                    for l in 0..own.len() {
                        if structure.second_derivative(own, k, l, &mut matrix) {
                            over.hessian[(first + k, first + l)] = matrix[at];
                        }
                    }
                }
                structure.sigma(own, &mut matrix);
                Curve { value: matrix[at], over }
            }
        }
    }
}
