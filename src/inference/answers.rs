//! The fits of Gaussian models as [`Estimates`].

use super::spread::of_visit;
use super::{Coefficients, Df, Estimate, FTest, Fit, MomentsFit};
use crate::design::{Account, Columns};
use crate::error::Result;
use crate::estimates::{CrossProducts, Estimates, OutcomeSpread};
use nalgebra::DMatrix;

/// The contract, answered by the methods of a fit with the same names.
macro_rules! answers {
    ($fit:ty, $cross_products:expr) => {
        impl Estimates for $fit {
            fn columns(&self) -> &Columns {
                MomentsFit::columns(self)
            }

            fn account(&self) -> &Account {
                MomentsFit::account(self)
            }

            fn beta(&self) -> &[f64] {
                MomentsFit::beta(self)
            }

            fn vcov(&self) -> &DMatrix<f64> {
                MomentsFit::vcov(self)
            }

            fn df(&self, l: &[f64]) -> f64 {
                MomentsFit::estimate(self, "", l).map_or(f64::NAN, |estimate| estimate.df)
            }

            fn method_of_df(&self) -> Option<Df> {
                Some(MomentsFit::df_method(self))
            }

            fn notes(&self) -> Vec<String> {
                MomentsFit::notes(self)
            }

            fn cross_products(&self) -> Option<CrossProducts> {
                let cross_products: fn(&$fit) -> Option<CrossProducts> = $cross_products;
                cross_products(self)
            }

            fn outcome_spread(&self, arms: &[usize], visit: usize) -> Result<Option<OutcomeSpread>> {
                of_visit(self, MomentsFit::columns(self), self.covariance_structure(), self.covariances(), arms, visit)
            }

            fn estimate(&self, label: &str, l: &[f64]) -> Result<Estimate> {
                MomentsFit::estimate(self, label, l)
            }

            fn f_test(&self, label: &str, l: &DMatrix<f64>) -> Result<FTest> {
                MomentsFit::f_test(self, label, l)
            }

            fn coefficients(&self) -> Coefficients {
                MomentsFit::coefficients(self)
            }
        }
    };
}

answers!(MomentsFit, |fit| MomentsFit::account(fit).cross_products());
answers!(Fit, |fit| Some(fit.design().cross_products()));
