//! Σ of every group and class of patients: one structure, with parameters of its own for each group.

use super::classes::Classes;
use super::verify::Labels;
use crate::covariance::CovarianceStructure;
use nalgebra::DMatrix;
use std::sync::Arc;

/// ∂_kΣ of all parameters on the visit grid as their non-zero elements (row, column, value), both triangles.
pub(crate) type Derivatives = Vec<Vec<(usize, usize, f64)>>;

/// The covariances within patients, as functions of θ. Their parameters stand first in θ, group by group.
#[derive(Debug, Clone)]
pub(crate) struct Sigmas {
    /// The structure, bound once for each class of patients: those who share the coordinates that enter it. One class,
    /// unless coordinates differ by patient.
    classes: Classes,
    pub groups: usize,
    /// The number of parameters of a group.
    pub per_group: usize,
}

impl Sigmas {
    /// Of the groups, and with the parameters, that have these labels.
    pub fn new(classes: Classes, labels: &Labels) -> Self {
        let groups = labels.groups.len();
        Self { classes, groups, per_group: labels.parameters.len() / groups }
    }

    /// The structure: that of the first class, which has all that the classes share.
    pub fn structure(&self) -> &dyn CovarianceStructure {
        &*self.classes.structures[0]
    }

    /// The structure as bound for each class.
    pub fn structures(&self) -> &[Arc<dyn CovarianceStructure>] {
        &self.classes.structures
    }

    /// The same for the patients of another design.
    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// Whether all patients of a group share one Σ.
    pub fn are_shared(&self) -> bool {
        self.classes.is_single()
    }

    /// The number T of visits.
    pub fn visits(&self) -> usize {
        self.structure().visits()
    }

    /// The number of parameters of all groups.
    pub fn parameters(&self) -> usize {
        self.groups * self.per_group
    }

    /// The number of different Σ: one for each group and class.
    pub fn cells(&self) -> usize {
        self.groups * self.structures().len()
    }

    /// The cell of a group's patients of a class.
    pub fn cell(&self, group: usize, class: usize) -> usize {
        group * self.structures().len() + class
    }

    /// The group of a cell and its structure.
    pub fn of_cell(&self, cell: usize) -> (usize, &dyn CovarianceStructure) {
        let classes = self.structures();
        (cell / classes.len(), &*classes[cell % classes.len()])
    }

    /// The parameters of a group.
    pub fn of_group<'t>(&self, theta: &'t [f64], group: usize) -> &'t [f64] {
        &theta[group * self.per_group..(group + 1) * self.per_group]
    }

    /// Σ of a group's patients of a class.
    pub fn sigma(&self, theta: &[f64], group: usize, class: usize) -> DMatrix<f64> {
        let mut sigma = DMatrix::zeros(self.visits(), self.visits());
        self.structures()[class].sigma(self.of_group(theta, group), &mut sigma);
        sigma
    }

    /// Σ of a patient of a group.
    pub fn of_patient(&self, theta: &[f64], group: usize, patient: usize) -> DMatrix<f64> {
        self.sigma(theta, group, self.classes.of(patient))
    }

    /// ∂Σ at θ, cell by cell.
    pub fn derivatives(&self, theta: &[f64]) -> Vec<Derivatives> {
        let mut derivatives = vec![vec![vec![]; self.per_group]; self.cells()];
        self.set_derivatives(theta, &mut derivatives, &mut DMatrix::zeros(self.visits(), self.visits()));
        derivatives
    }

    /// Moves the derivatives to θ; `dense` is room, T × T.
    pub fn set_derivatives(&self, theta: &[f64], derivatives: &mut [Derivatives], dense: &mut DMatrix<f64>) {
        let t = self.visits();
        for (cell, derivatives) in derivatives.iter_mut().enumerate() {
            let (group, structure) = self.of_cell(cell);
            for (k, own) in derivatives.iter_mut().enumerate() {
                structure.derivative(self.of_group(theta, group), k, dense);
                own.clear();
                // Room is made once, for as many entries as there are.
                if own.capacity() == 0 {
                    own.reserve_exact(dense.iter().filter(|v| **v != 0.0).count());
                }
                for (column, values) in dense.as_slice().chunks_exact(t).enumerate() {
                    own.extend(values.iter().enumerate().filter(|(_, v)| **v != 0.0).map(|(row, v)| (row, column, *v)));
                }
            }
        }
    }
}
