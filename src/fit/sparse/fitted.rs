//! A sparse fit in the clothes of every other.

use super::SparseFit;
use crate::design::Design;
use crate::fit::blocks::Blocks;
use crate::fit::build::without_data;
use crate::fit::centring::Centring;
use crate::fit::classes::Classes;
use crate::fit::clusters::Clusters;
use crate::fit::moments::active_rows;
use crate::fit::optimum::{Fitted, checked};
use crate::fit::problem::Point;
use crate::fit::working::Working;
use crate::fit::{Estimation, Failure};
use std::sync::Arc;

impl Fitted {
    /// The optimum of a model with random effects and independent residuals. Its problem knows the structure of the
    /// residuals and the names of everything, but has no data: what asks the likelihood itself goes to
    /// [`Fitted::new`].
    pub fn sparse(design: &Design, classes: Classes, estimation: Estimation) -> Result<Self, Failure> {
        let (kept, labels) = checked(&design.columns, &design.account, &design.rows.random, &classes)?;
        let centring = Centring::of(design, &kept);
        let fit = SparseFit::new(design, &centring.values(design), &kept, estimation)?;
        let mut problem = without_data(active_rows(&design.columns, design.rows.weights.is_some(), &kept), kept.len(), classes, estimation);
        problem.clusters = Clusters::of(design, kept.len());
        let working = Working::of_problem(&problem, fit.theta.len());
        let point = Point {
            theta: fit.theta.clone(),
            value: fit.value,
            beta: fit.beta.clone(),
            phi: fit.phi.clone(),
            w: Blocks::zeros(&[]),
            r: Blocks::zeros(&[]),
            clusters: None,
        };
        let convergence = fit.convergence.clone();
        let eta = working.at_natural(&fit.theta);
        Ok(Self {
            problem,
            moments: None,
            origin: vec![0.0; kept.len()],
            class_of: vec![],
            point,
            penalised: None,
            sparse: Some(Arc::new(fit)),
            working,
            eta,
            kept,
            centring,
            labels,
            convergence,
        })
    }
}
