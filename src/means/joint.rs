//! Joint tests: the arm-by-visit interaction, and one test for each term of the mean model.

use super::row::{exclusions, unobserved};
use crate::design::{Adjusted, Averaging, Dimension, ReferenceGrid};
use crate::error::{Error, Result};
use crate::inference::{Df, FTest, Fit};
use crate::options::choices;
use crate::table::{Column, Format, Tabular, display_as_table};
use nalgebra::DMatrix;

/// The basis in which the rows of a joint hypothesis are taken; Satterthwaite's degrees of freedom depend on it,
/// Kenward–Roger's do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Basis {
    /// The rows as they are given: visit k against the first for an interaction with visit, as SAS has it (the
    /// default).
    #[default]
    AsGiven,
    /// The rows made orthonormal first.
    Orthonormal,
}

choices! {
    Basis, "basis of a joint hypothesis":
    AsGiven = "as-given", [], "the rows as they are given, as SAS has them";
    Orthonormal = "orthonormal", [], "the rows made orthonormal first";
}

/// Given what else a term of the mean model is tested, in the definitions of SAS (Goodnight 1978, SAS Technical
/// Report R-101).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TestType {
    /// Sequential: given the terms before it in the model.
    I,
    /// Given all other terms that do not contain it. A term contains another if it has the same numeric variables,
    /// and the other's factors and more.
    II,
    /// About cells averaged with equal weights over the other factors, whatever the frequencies (the default).
    #[default]
    III,
}

choices! {
    TestType, "type of test":
    I = "type-i", ["i", "1"], "sequential: given the terms before it";
    II = "type-ii", ["ii", "2"], "given all terms that do not contain it";
    III = "type-iii", ["iii", "3"], "about cells averaged with equal weights";
}

/// The joint test of each term of the mean model.
#[derive(Debug, Clone, serde::Serialize)]
pub struct JointTests {
    /// The outcome.
    pub outcome: String,
    /// Given what else each term is tested.
    pub kind: TestType,
    /// One row a term, in the order of the model.
    pub rows: Vec<JointTest>,
    notes: Vec<String>,
}

/// The joint test of one term.
#[derive(Debug, Clone, serde::Serialize)]
pub struct JointTest {
    /// The term.
    pub term: String,
    /// The test, where the data determine any part of the hypothesis.
    pub test: Option<FTest>,
    /// Degrees of freedom of the hypothesis that the data do not determine and that are left out.
    pub left_out: usize,
}

impl Fit {
    /// The test that the differences between arms are the same at every visit. Rows of the hypothesis: each arm
    /// against the first, each visit against the first (SAS's basis; see [`Basis`]). Where the arms share their
    /// baseline mean by assumption, this is the test that the arms differ at no visit.
    ///
    /// # Errors
    /// [`Error::Unknown`] where the mean model has no arm; [`Error::Invalid`] with one arm or one visit;
    /// [`Error::NotEstimable`] where the data determine no part of it.
    pub fn arm_by_visit_test(&self) -> Result<FTest> {
        self.arm_by_visit_test_in(Basis::AsGiven)
    }

    /// As [`Fit::arm_by_visit_test`], with the rows of the hypothesis in a basis of choice; orthonormal means
    /// contrasts of the cells of arm and visit with orthonormal weights.
    ///
    /// # Errors
    /// As [`Fit::arm_by_visit_test`].
    pub fn arm_by_visit_test_in(&self, basis: Basis) -> Result<FTest> {
        let arm = self.design().columns().arm_dimension()?;
        let factors = [arm, Dimension::Visit];
        let label = factors.map(|d| self.design().columns().dimension_name(d)).join(":");
        if factors.iter().any(|&d| self.design().columns().levels(d).len() < 2) {
            return Err(Error::invalid(
                format!("test `{label}`"),
                "there is only one arm or one visit",
                "compare what there is with contrasts",
            ));
        }
        let (test, _) = self.effect_test(basis, &label, &factors, &[])?;
        test.ok_or_else(|| Error::NotEstimable { estimate: label, why: "no part of the hypothesis is determined by the data".into() })
    }

    /// The joint test of a term of the mean model by its label, e.g. `arm:visit`; see [`Fit::term_tests`].
    ///
    /// # Errors
    /// [`Error::Unknown`] for a term that is not in the model; [`Error::NotEstimable`] where the data determine no
    /// part of it.
    pub fn term_test(&self, term: &str) -> Result<FTest> {
        let labels: Vec<&str> = self.design().terms().iter().map(|t| t.label.as_str()).filter(|l| *l != "(Intercept)").collect();
        let at = self.design().terms().iter().position(|t| t.label == term && !t.variables.is_empty());
        let at = at.ok_or_else(|| Error::unknown("term", term, &labels))?;
        let row = self.test_of_term(at)?;
        row.test
            .ok_or_else(|| Error::NotEstimable { estimate: term.into(), why: "no part of the hypothesis is determined by the data".into() })
    }

    /// The joint test of every term by type III; see [`Fit::term_tests_of`].
    ///
    /// # Errors
    /// As [`Fit::term_tests_of`].
    pub fn term_tests(&self) -> Result<JointTests> {
        self.term_tests_of(TestType::III)
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
    /// Those of [`Fit::f_test`].
    pub fn term_tests_of(&self, kind: TestType) -> Result<JointTests> {
        let terms = self.design().terms();
        let named = (0..terms.len()).filter(|&t| !terms[t].variables.is_empty());
        let gram = (kind != TestType::III).then(|| self.design().gram());
        let adjusted = gram.as_deref().map(|gram| Adjusted::new(&self.design().columns, gram));
        let rows = named
            .map(|t| match &adjusted {
                None => self.test_of_term(t),
                Some(adjusted) => self.adjusted_test(kind, t, adjusted),
            })
            .collect::<Result<Vec<_>>>()?;
        let mut notes = self.notes();
        notes.push(
            match kind {
                TestType::I => "Type I: each term given those before it.",
                TestType::II => "Type II: each term given all others that do not contain it.",
                TestType::III => "Type III: cells averaged with equal weights over the other factors; factors that interact with a numeric variable are tested where it is zero.",
            }
            .into(),
        );
        if self.df_method() == Df::Satterthwaite {
            notes.push(
                match kind {
                    TestType::I => "Denominator degrees of freedom in the basis of the Doolittle decomposition of X'X.",
                    TestType::II | TestType::III => "Denominator degrees of freedom in the basis of each level against the first.",
                }
                .into(),
            );
        }
        notes.extend(exclusions(self.design().account()));
        notes.extend(unobserved(self.design().columns()));
        notes.extend(
            rows.iter()
                .filter(|r| r.left_out > 0)
                .map(|r| format!("{}: {} of the degrees of freedom of the hypothesis are not estimable and left out.", r.term, r.left_out)),
        );
        Ok(JointTests { outcome: self.design().outcome().into(), kind, rows, notes })
    }

    fn adjusted_test(&self, kind: TestType, term: usize, adjusted: &Adjusted) -> Result<JointTest> {
        let label = &self.design().terms()[term].label;
        let rows = if kind == TestType::I { adjusted.sequential(term) } else { adjusted.partial(term) };
        let left_out = self.design().columns().iter().filter(|c| c.term == term).count() - rows.len();
        let l = DMatrix::from_fn(rows.len(), self.beta().len(), |r, c| rows[r][c]);
        let test = (!rows.is_empty()).then(|| self.f_test(label, &l)).transpose()?;
        Ok(JointTest { term: label.clone(), test, left_out })
    }

    fn test_of_term(&self, term: usize) -> Result<JointTest> {
        let design = self.design();
        let label = &design.terms()[term].label;
        let (factors, numbers) = design.columns.parts_of_term(term);
        let (test, left_out) = self.effect_test(Basis::AsGiven, label, &factors, &numbers)?;
        Ok(JointTest { term: label.clone(), test, left_out })
    }

    /// The test of the interaction contrasts of `factors` in the slope on `numbers` (in the mean where there are
    /// none), and how many degrees of freedom of it the data do not determine.
    fn effect_test(&self, basis: Basis, label: &str, factors: &[Dimension], numbers: &[usize]) -> Result<(Option<FTest>, usize)> {
        let grid = ReferenceGrid::new(self.design().columns(), self.design().account(), &Averaging::default())?;
        let p = self.beta().len();
        let levels: Vec<usize> = factors.iter().map(|&d| self.design().columns().levels(d).len()).collect();
        let contrasts = level_combinations(&levels).into_iter().map(|c| interaction_contrast(&grid, factors, &levels, &c, numbers));
        // A factor held at one level makes rows of zeros, e.g. arms before treatment.
        let rows: Vec<Vec<f64>> = contrasts.filter(|r| r[..p].iter().any(|x| x.abs() > 1e-12)).collect();
        let wanted = rows.len();
        let rows = self.design().account.estimable_part(rows);
        let left_out = wanted - rows.len();
        if rows.is_empty() {
            return Ok((None, left_out));
        }
        let l = DMatrix::from_fn(rows.len(), p, |r, c| rows[r][c]);
        let l = match basis {
            Basis::AsGiven => l,
            Basis::Orthonormal => orthonormalized(l, &DMatrix::from_fn(rows.len(), rows[0].len() - p, |r, c| rows[r][p + c])),
        };
        Ok((Some(self.f_test(label, &l)?), left_out))
    }
}

/// The rows recombined so that their weights on the cells are orthonormal, which no coding of the factors changes.
fn orthonormalized(l: DMatrix<f64>, cells: &DMatrix<f64>) -> DMatrix<f64> {
    // The weights of different rows are independent, so their Gram matrix is positive definite.
    match (cells * cells.transpose()).cholesky().and_then(|gram| gram.l().solve_lower_triangular(&l)) {
        Some(orthonormal) => orthonormal,
        None => l,
    }
}

/// All combinations of levels other than the first, the first factor varying fastest.
fn level_combinations(levels: &[usize]) -> Vec<Vec<usize>> {
    levels.iter().fold(vec![vec![]], |found, &n| {
        (1..n).flat_map(|l| found.iter().map(move |c: &Vec<usize>| c.iter().copied().chain([l]).collect())).collect()
    })
}

/// The interaction contrast of the levels `at` with the first level of every factor: Σ ± row over all ways of
/// replacing levels by the first. Behind its coefficients stand its weights on the cells, which have `levels` levels
/// of each factor.
fn interaction_contrast(grid: &ReferenceGrid, factors: &[Dimension], levels: &[usize], at: &[usize], numbers: &[usize]) -> Vec<f64> {
    let mut coefficients: Vec<f64> = vec![];
    let mut weights = vec![0.0; levels.iter().product()];
    for replaced in 0..1_usize << factors.len() {
        let level = |k: usize| if replaced >> k & 1 == 1 { 0 } else { at[k] };
        let cell: Vec<(Dimension, usize)> = factors.iter().enumerate().map(|(k, &d)| (d, level(k))).collect();
        let sign = if replaced.count_ones() % 2 == 0 { 1.0 } else { -1.0 };
        let row = grid.slope_row(&cell, numbers);
        coefficients.resize(row.len(), 0.0);
        coefficients.iter_mut().zip(row).for_each(|(s, x)| *s += sign * x);
        weights[(0..levels.len()).rev().fold(0, |index, k| index * levels[k] + level(k))] += sign;
    }
    coefficients.extend(weights);
    coefficients
}

impl JointTests {
    /// The test of a term.
    pub fn get(&self, term: &str) -> Option<&JointTest> {
        self.rows.iter().find(|r| r.term == term)
    }
}

impl Tabular for JointTests {
    fn title(&self) -> String {
        format!("Joint tests of the terms of {} (type {:?})", self.outcome, self.kind)
    }

    fn columns(&self) -> Vec<Column> {
        let of = |get: fn(&FTest) -> f64| self.rows.iter().map(move |r| r.test.as_ref().map_or(f64::NAN, get));
        vec![
            Column::text("term", "Term", self.rows.iter().map(|r| r.term.as_str())),
            Column::real("num_df", "df", Format::Decimals(0), of(|t| t.num_df)),
            Column::real("denom_df", "Denominator df", Format::Df, of(|t| t.denom_df)),
            Column::real("f", "F", Format::Decimals(2), of(|t| t.f)),
            Column::real("p", "p", Format::PValue, of(|t| t.p)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(JointTests);
