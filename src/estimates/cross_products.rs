//! X'X, for hypotheses that are about the model matrix alone.

use crate::design::{Account, Design, ScaledGram};
use std::sync::Arc;

/// X'X of the analysed observations, in twice the working precision: what tests of types I and II are made of.
#[derive(Debug, Clone)]
pub struct CrossProducts(pub(crate) Arc<ScaledGram>);

impl Account {
    /// X'X, where it is known.
    pub fn cross_products(&self) -> Option<CrossProducts> {
        self.gram.clone().map(CrossProducts)
    }
}

impl Design {
    /// X'X.
    pub fn cross_products(&self) -> CrossProducts {
        CrossProducts(self.gram())
    }
}
