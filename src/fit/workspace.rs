//! Room for one evaluation of the likelihood and its derivatives: made once a search, so that no iteration allocates.

use super::blocks::Blocks;
use super::data::DataScratch;
use super::elements::ElementRoom;
use super::problem::Problem;
use nalgebra::DMatrix;

/// The room; what each part holds is said where it is used.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    pub data: DataScratch,
    /// Σ of each cell, T × T.
    pub sigmas: Vec<DMatrix<f64>>,
    /// T × T, for one pattern's matrices.
    pub small: Vec<f64>,
    /// As `small`.
    pub left: Vec<f64>,
    /// As `small`.
    pub both: Vec<f64>,
    /// The position of each visit in a pattern; T where it is not in it.
    pub position: Vec<usize>,
    /// p × p.
    pub gram: Vec<f64>,
    /// p.
    pub cross: Vec<f64>,
    /// p.
    pub scale: Vec<f64>,
    /// What is not zero of a root of Φ, and what goes with it; empty where the columns are eliminated in no order.
    pub root: [Vec<f64>; 3],
    /// A matrix per pattern.
    pub blocks: Blocks,
    /// G of each cell on the visit grid, T × T.
    pub g: Vec<DMatrix<f64>>,
    /// T × T, for a structure to write into.
    pub dense: DMatrix<f64>,
    /// Packed W and E of one pattern.
    pub packed: [Vec<f64>; 2],
    /// Σ_P W ⊗ E of one cell, packed; empty until it is needed.
    pub tensor: Vec<f64>,
    /// For the slopes of the elements of Σ.
    pub elements: ElementRoom,
}

impl Workspace {
    pub fn new(problem: &Problem) -> Self {
        let (t, p) = (problem.sigmas.visits(), problem.columns);
        let square = || vec![0.0; t * t];
        let grid = || DMatrix::zeros(t, t);
        Self {
            data: problem.data.scratch(t),
            sigmas: vec![grid(); problem.sigmas.cells()],
            small: square(),
            left: square(),
            both: square(),
            position: vec![0; t],
            gram: vec![0.0; p * p],
            cross: vec![0.0; p],
            scale: vec![0.0; p],
            root: problem
                .elimination
                .as_ref()
                .map_or_else(Default::default, |own| [vec![0.0; own.elements()], vec![0.0; p], vec![0.0; own.room()]]),
            blocks: Blocks::zeros(&problem.patterns),
            g: vec![grid(); problem.sigmas.cells()],
            dense: grid(),
            packed: [vec![], vec![]],
            tensor: vec![],
            elements: ElementRoom::default(),
        }
    }
}
