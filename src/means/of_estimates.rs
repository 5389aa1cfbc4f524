//! [`Means`]: what every implementation of [`Estimates`] has.

use super::marginal::by_cell;
use super::{Basis, ContrastOptions, Contrasts, JointTests, LinearContrast, MarginalMeans, MeansOptions, TestType};
use super::{StandardisedMeans, SubgroupContrasts, change, contrasts, factor, joint, linear, standardised, subgroups};
use crate::error::Result;
use crate::estimates::{Estimate, Estimates, FTest};
use crate::inference::{Fit, MomentsFit, ResponseFit};
use crate::trial::Trial;

/// Marginal means, contrasts and joint tests of any [`Estimates`].
///
/// Means and their limits are on the scale of the [link](Estimates::link), with the inverse link beside where that is
/// another than the scale of the outcome; so are differences, with the ratio that they stand for.
pub trait Means: Estimates {
    /// The marginal mean of every cell of `factors`: of arm and visit, `arm` and `visit` or the file's names for
    /// them, or any factor of the mean model.
    ///
    /// Every arm of the trial and every visit of the analysis has its rows; those that nobody has an analysed
    /// observation of are without numbers and say so ([`MarginalMean::not_estimable`](super::MarginalMean::not_estimable)).
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::Error::Unknown) for a factor that the mean model does not have,
    /// [`Error::Invalid`](crate::Error::Invalid) for a level outside (0, 1) or a factor named twice.
    fn marginal_means(&self, factors: &[&str], options: &MeansOptions) -> Result<MarginalMeans> {
        by_cell(&self, factors, options)
    }

    /// The marginal mean of every arm and visit, with [`MeansOptions::default`].
    ///
    /// # Errors
    /// As [`Means::marginal_means`].
    fn means_by_visit(&self) -> Result<MarginalMeans> {
        by_cell(&self, &["arm", "visit"], &MeansOptions::default())
    }

    /// The differences between arms at each visit, with [`ContrastOptions`] saying which, how averaged and how
    /// adjusted. Where arms share their baseline mean by assumption they are compared after it only.
    ///
    /// Every arm and visit of the plan has its rows. Those of an arm or visit that nobody has an analysed observation
    /// of are without numbers and say so ([`Contrast::not_estimable`](super::Contrast::not_estimable)); where that arm is
    /// the reference, the others can still be compared with each other by
    /// [`ArmComparisons::Pairwise`](super::ArmComparisons::Pairwise).
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::Error::Unknown) where the mean model has no arm, or for an arm or visit that is not
    /// there; [`Error::Invalid`](crate::Error::Invalid) for a level outside (0, 1), or in a trial with a single arm.
    fn arm_contrasts(&self, options: &ContrastOptions) -> Result<Contrasts> {
        contrasts::between_arms(&self, options)
    }

    /// The differences between the levels of the first of `factors`, in every combination of levels of the others:
    /// every two levels with [`ArmComparisons::Pairwise`](super::ArmComparisons::Pairwise), or each with the first, or with
    /// one of a name. [`ContrastOptions::visits`] has no part in this.
    ///
    /// ```
    /// use trialstats::means::{ArmComparisons, ContrastOptions};
    /// use trialstats::trial::CovariateKind;
    /// use trialstats::{Layout, Model};
    ///
    /// # fn main() -> trialstats::Result<()> {
    /// # let file = "id,period,drug,y\n1,1,A,3\n1,2,B,5\n2,1,B,6\n2,2,A,3.5\n3,1,A,2\n3,2,B,4.5\n4,1,B,7\n4,2,A,5\n5,1,A,4\n5,2,B,5\n";
    /// let layout = Layout::long_one_arm("id", "period").outcome("y").covariate_as("drug", CovariateKind::FactorByVisit);
    /// let trial = layout.read_csv_from("a crossover", file.as_bytes())?;
    /// let fit = Model::formula("y ~ drug + period + (1 | id)")?.fit(&trial)?;
    /// let table = fit.factor_contrasts(&["drug"], &ContrastOptions::default().arms(ArmComparisons::Pairwise))?;
    /// assert_eq!(table.rows[0].label(), "B - A");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::Error::Unknown) for a factor that the mean model does not have;
    /// [`Error::Invalid`](crate::Error::Invalid) where none is named, one is named twice, or the first has one level.
    fn factor_contrasts(&self, factors: &[&str], options: &ContrastOptions) -> Result<Contrasts> {
        factor::between_levels(&self, factors, options)
    }

    /// The differences between arms within each level of `factor`, at the reference grid of the rest, and for each visit
    /// and pair of arms the test that they are the same in every level. The mean model has the interaction of the arm with
    /// the factor; with that of the visit as well (`arm * visit * factor`) the differences of a visit are its own.
    ///
    /// A level in which nobody of an arm has an analysed observation has a row that says so, and the test is among the
    /// others. [`ContrastOptions::adjustment`] has no part in this.
    ///
    /// ```
    /// use trialstats::means::ContrastOptions;
    /// use trialstats::{Layout, Model};
    ///
    /// let trial = Layout::long("USUBJID", "ARMCD", "AVISIT")
    ///     .reference_arm("PBO")
    ///     .outcome("FEV1")
    ///     .covariate("SEX")
    ///     .read_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data-samples/fev/fev.csv"))?;
    /// let fit = Model::formula("FEV1 ~ ARMCD * AVISIT * SEX")?.fit(&trial)?;
    /// let table = fit.subgroup_contrasts("SEX", &ContrastOptions::default().visits(["VIS4"]))?;
    /// assert_eq!(table.rows.len(), 2);
    /// let test = table.interactions.rows[0].test.as_ref().expect("both levels have both arms");
    /// assert_eq!(test.num_df, 1.0);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::Error::Unknown) where the mean model lacks the arm or the factor;
    /// [`Error::Invalid`](crate::Error::Invalid) where it has no interaction of the two, with one arm, or a level outside
    /// (0, 1).
    fn subgroup_contrasts(&self, factor: &str, options: &ContrastOptions) -> Result<SubgroupContrasts> {
        subgroups::between_arms_within(&self, factor, options)
    }

    /// The change from baseline of every arm at every later visit: mean at the visit minus mean at baseline, negative
    /// when scores fall.
    ///
    /// Where the baseline is part of the response (constrained or not) this is a contrast of two visits, and its
    /// standard error carries the uncertainty of both. Where the baseline is a covariate, it is the marginal mean
    /// minus the baseline value at which the means are taken (its mean over the analysed observations unless
    /// [`Averaging`](crate::design::Averaging) says otherwise): that value counts as known, so the standard error is
    /// that of the marginal mean. [`ContrastOptions::arms`] has no part in this.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) where the model has no baseline, or a level outside (0, 1);
    /// [`Error::Unknown`](crate::Error::Unknown) where the mean model has no arm, or for an unknown visit.
    fn change_from_baseline(&self, options: &ContrastOptions) -> Result<Contrasts> {
        change::from_baseline(&self, options)
    }

    /// Means of every arm at every visit, and differences between arms, standardised over everyone randomized: each
    /// patient of `trial` counts once, with their own covariates, as if in every arm (g-computation).
    ///
    /// Beside the standard error that takes the covariates as given stands one that takes them as a sample, for claims
    /// about patients like these; limits rest on the latter. It is larger for means always, and for differences where
    /// the arm interacts with a covariate or the link is not the identity. [`ContrastOptions::averaging`] and the
    /// adjustment for multiplicity have no part in this.
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::Error::Unknown) where the mean model has no arm, for an arm or visit that is not
    /// there, or where `trial` lacks a variable of the model; [`Error::Invalid`](crate::Error::Invalid) for a level
    /// outside (0, 1), where nobody has all covariates, or where the outcome was analysed as its logarithm.
    fn standardised_means(&self, trial: &Trial, options: &ContrastOptions) -> Result<StandardisedMeans> {
        standardised::over_everyone(&self, trial, options)
    }

    /// One linear combination of the means of arm and visit, given as (arm, visit, weight), with
    /// [`Averaging::default`](crate::design::Averaging).
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::Error::Unknown) for an arm or visit that is not there,
    /// [`Error::NotEstimable`](crate::Error::NotEstimable) where the data do not determine it.
    fn contrast(&self, name: &str, cells: &[(&str, &str, f64)]) -> Result<Estimate> {
        linear::of_arms_and_visits(&self, name, cells)
    }

    /// A table of linear combinations of marginal means, one row per contrast; a contrast of an arm or visit without
    /// analysed observations has a row that says so. The rows are one family for [`ContrastOptions::adjustment`].
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::Error::Unknown) for a factor or level that is not there,
    /// [`Error::Invalid`](crate::Error::Invalid) for a contrast without cells, a weight that is not a finite number or a
    /// level outside (0, 1).
    fn linear_contrasts(&self, contrasts: &[LinearContrast], options: &ContrastOptions) -> Result<Contrasts> {
        linear::table(&self, contrasts, options)
    }

    /// The test that the differences between arms are the same at every visit. Rows of the hypothesis: each arm
    /// against the first, each visit against the first (SAS's basis; see [`Basis`]). Where the arms share their
    /// baseline mean by assumption, this is the test that the arms differ at no visit.
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::Error::Unknown) where the mean model has no arm;
    /// [`Error::Invalid`](crate::Error::Invalid) with one arm or one visit;
    /// [`Error::NotEstimable`](crate::Error::NotEstimable) where the data determine no part of it.
    fn arm_by_visit_test(&self) -> Result<FTest> {
        joint::arm_by_visit(&self, Basis::AsGiven)
    }

    /// As [`Means::arm_by_visit_test`], with the rows of the hypothesis in a basis of choice; orthonormal means
    /// contrasts of the cells of arm and visit with orthonormal weights.
    ///
    /// # Errors
    /// As [`Means::arm_by_visit_test`].
    fn arm_by_visit_test_in(&self, basis: Basis) -> Result<FTest> {
        joint::arm_by_visit(&self, basis)
    }

    /// The joint test of a term of the mean model by its label, e.g. `arm:visit`; see [`Means::term_tests_of`].
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::Error::Unknown) for a term that is not in the model;
    /// [`Error::NotEstimable`](crate::Error::NotEstimable) where the data determine no part of it.
    fn term_test(&self, term: &str) -> Result<FTest> {
        joint::of_term(&self, term)
    }

    /// The joint test of every term by type III; see [`Means::term_tests_of`].
    ///
    /// # Errors
    /// As [`Means::term_tests_of`].
    fn term_tests(&self) -> Result<JointTests> {
        joint::of_terms(&self, TestType::III)
    }

    /// The joint test of every term of the mean model.
    ///
    /// [Type III](TestType::III): the hypothesis of a term is about its cells averaged with equal weights over the
    /// other factors; a factor in an interaction with a numeric variable is tested where that variable is zero. Types
    /// [I](TestType::I) and [II](TestType::II): with M the projection off the columns that a term is adjusted for and
    /// X₁ its own, L = (X₁'MX₁)⁻¹X₁'MX, of X'X alone and without weights, as SAS and lmerTest have it (car's type II
    /// adjusts in the metric of the fitted covariance instead). Parts of a hypothesis that the data do not determine
    /// are left out and counted.
    ///
    /// Satterthwaite's denominator degrees of freedom depend on the rows in which a hypothesis is written
    /// ([`Basis`]). They are taken as SAS writes them: each level against the first in types II and III, the rows of
    /// the Doolittle decomposition of X'X in type I.
    ///
    /// # Errors
    /// Those of [`Estimates::f_test`]; [`Error::Invalid`](crate::Error::Invalid) for types I and II where X'X is not known.
    fn term_tests_of(&self, kind: TestType) -> Result<JointTests> {
        joint::of_terms(&self, kind)
    }
}

impl<E: Estimates + ?Sized> Means for E {}

/// The methods of [`Means`] as those of a type, so that its users need not import the trait.
macro_rules! has_means {
    ($fit:ty) => {
        impl $fit {
            /// See [`Means::marginal_means`].
            ///
            /// # Errors
            /// As [`Means::marginal_means`].
            pub fn marginal_means(&self, factors: &[&str], options: &MeansOptions) -> Result<MarginalMeans> {
                Means::marginal_means(self, factors, options)
            }

            /// See [`Means::means_by_visit`].
            ///
            /// # Errors
            /// As [`Means::means_by_visit`].
            pub fn means_by_visit(&self) -> Result<MarginalMeans> {
                Means::means_by_visit(self)
            }

            /// See [`Means::arm_contrasts`].
            ///
            /// # Errors
            /// As [`Means::arm_contrasts`].
            pub fn arm_contrasts(&self, options: &ContrastOptions) -> Result<Contrasts> {
                Means::arm_contrasts(self, options)
            }

            /// See [`Means::factor_contrasts`].
            ///
            /// # Errors
            /// As [`Means::factor_contrasts`].
            pub fn factor_contrasts(&self, factors: &[&str], options: &ContrastOptions) -> Result<Contrasts> {
                Means::factor_contrasts(self, factors, options)
            }

            /// See [`Means::subgroup_contrasts`].
            ///
            /// # Errors
            /// As [`Means::subgroup_contrasts`].
            pub fn subgroup_contrasts(&self, factor: &str, options: &ContrastOptions) -> Result<SubgroupContrasts> {
                Means::subgroup_contrasts(self, factor, options)
            }

            /// See [`Means::change_from_baseline`].
            ///
            /// # Errors
            /// As [`Means::change_from_baseline`].
            pub fn change_from_baseline(&self, options: &ContrastOptions) -> Result<Contrasts> {
                Means::change_from_baseline(self, options)
            }

            /// See [`Means::standardised_means`].
            ///
            /// # Errors
            /// As [`Means::standardised_means`].
            pub fn standardised_means(&self, trial: &Trial, options: &ContrastOptions) -> Result<StandardisedMeans> {
                Means::standardised_means(self, trial, options)
            }

            /// See [`Means::contrast`].
            ///
            /// # Errors
            /// As [`Means::contrast`].
            pub fn contrast(&self, name: &str, cells: &[(&str, &str, f64)]) -> Result<Estimate> {
                Means::contrast(self, name, cells)
            }

            /// See [`Means::linear_contrasts`].
            ///
            /// # Errors
            /// As [`Means::linear_contrasts`].
            pub fn linear_contrasts(&self, contrasts: &[LinearContrast], options: &ContrastOptions) -> Result<Contrasts> {
                Means::linear_contrasts(self, contrasts, options)
            }

            /// See [`Means::arm_by_visit_test`].
            ///
            /// # Errors
            /// As [`Means::arm_by_visit_test`].
            pub fn arm_by_visit_test(&self) -> Result<FTest> {
                Means::arm_by_visit_test(self)
            }

            /// See [`Means::arm_by_visit_test_in`].
            ///
            /// # Errors
            /// As [`Means::arm_by_visit_test_in`].
            pub fn arm_by_visit_test_in(&self, basis: Basis) -> Result<FTest> {
                Means::arm_by_visit_test_in(self, basis)
            }

            /// See [`Means::term_test`].
            ///
            /// # Errors
            /// As [`Means::term_test`].
            pub fn term_test(&self, term: &str) -> Result<FTest> {
                Means::term_test(self, term)
            }

            /// See [`Means::term_tests`].
            ///
            /// # Errors
            /// As [`Means::term_tests`].
            pub fn term_tests(&self) -> Result<JointTests> {
                Means::term_tests(self)
            }

            /// See [`Means::term_tests_of`].
            ///
            /// # Errors
            /// As [`Means::term_tests_of`].
            pub fn term_tests_of(&self, kind: TestType) -> Result<JointTests> {
                Means::term_tests_of(self, kind)
            }
        }
    };
}

has_means!(Fit);
has_means!(MomentsFit);
has_means!(ResponseFit);
