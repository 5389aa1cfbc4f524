//! Joint tests: the arm-by-visit interaction, and one test for each term of the mean model.

use super::row::{exclusions, unobserved};
use crate::design::{Adjusted, Averaging, Columns, Dimension, ReferenceGrid};
use crate::error::{Error, Result};
use crate::estimates::{Df, Estimates, FTest};
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
    /// One row per term, in the order of the model.
    pub rows: Vec<JointTest>,
    notes: Vec<String>,
}

/// The joint test of one term.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct JointTest {
    /// The term.
    pub term: String,
    /// The test, where the data determine any part of the hypothesis.
    pub test: Option<FTest>,
    /// Degrees of freedom of the hypothesis that the data do not determine and that are left out.
    pub left_out: usize,
}

/// The test that the differences between arms are the same at every visit.
pub(super) fn arm_by_visit(of: &dyn Estimates, basis: Basis) -> Result<FTest> {
    let columns = of.columns();
    let arm = columns.arm_dimension()?;
    let factors = [arm, Dimension::Visit];
    let label = factors.map(|d| columns.dimension_name(d)).join(":");
    if factors.iter().any(|&d| columns.levels(d).len() < 2) {
        return Err(Error::nothing_to_compare(
            format!("test `{label}`"),
            "there is only one arm or one visit",
            "compare what there is with contrasts",
        ));
    }
    let (test, _) = effect_test(of, basis, &label, &factors, &[])?;
    test.ok_or_else(|| undetermined(&label))
}

/// The joint test of a term of the mean model by its label.
pub(super) fn of_term(of: &dyn Estimates, term: &str) -> Result<FTest> {
    let terms = of.columns().terms();
    let labels: Vec<&str> = terms.iter().map(|t| t.label.as_str()).filter(|l| *l != "(Intercept)").collect();
    let at = terms.iter().position(|t| t.label == term && !t.variables.is_empty());
    let at = at.ok_or_else(|| Error::unknown("term", term, &labels))?;
    test_of_term(of, at)?.test.ok_or_else(|| undetermined(term))
}

fn undetermined(hypothesis: &str) -> Error {
    Error::NotEstimable { estimate: hypothesis.into(), why: "no part of the hypothesis is determined by the data".into() }
}

/// The joint test of every term of the mean model.
pub(super) fn of_terms(of: &dyn Estimates, kind: TestType) -> Result<JointTests> {
    let columns = of.columns();
    let terms = columns.terms();
    let named = (0..terms.len()).filter(|&t| !terms[t].variables.is_empty());
    let cross_products = match kind {
        TestType::III => None,
        TestType::I | TestType::II => Some(of.cross_products().ok_or_else(|| {
            Error::not_defined(
                format!("tests of type {kind:?}"),
                "they are about X'X of the analysed observations, which is not known here",
                "ask for tests of type III",
            )
        })?),
    };
    let adjusted = cross_products.as_ref().map(|known| Adjusted::new(columns, &known.0));
    let rows = named
        .map(|t| match &adjusted {
            None => test_of_term(of, t),
            Some(adjusted) => adjusted_test(of, kind, t, adjusted),
        })
        .collect::<Result<Vec<_>>>()?;
    let mut notes = of.notes();
    notes.push(
        match kind {
            TestType::I => "Type I: each term given those before it.",
            TestType::II => "Type II: each term given all others that do not contain it.",
            TestType::III => "Type III: cells averaged with equal weights over the other factors; factors that interact with a numeric variable are tested where it is zero.",
        }
        .into(),
    );
    if of.method_of_df() == Some(Df::Satterthwaite) {
        notes.push(
            match kind {
                TestType::I => "Denominator degrees of freedom in the basis of the Doolittle decomposition of X'X.",
                TestType::II | TestType::III => "Denominator degrees of freedom in the basis of each level against the first.",
            }
            .into(),
        );
    }
    notes.extend(not_averages(columns).filter(|_| kind == TestType::III));
    notes.extend(coded_in_full(columns).filter(|_| kind == TestType::II));
    notes.extend(exclusions(of.account()));
    notes.extend(unobserved(columns));
    notes.extend(
        rows.iter()
            .filter(|r| r.left_out > 0)
            .map(|r| format!("{}: {} of the degrees of freedom of the hypothesis are not estimable and left out.", r.term, r.left_out)),
    );
    Ok(JointTests { outcome: columns.outcome().into(), kind, rows, notes })
}

fn adjusted_test(of: &dyn Estimates, kind: TestType, term: usize, adjusted: &Adjusted) -> Result<JointTest> {
    let columns = of.columns();
    let label = &columns.terms()[term].label;
    let rows = if kind == TestType::I { adjusted.sequential(term) } else { adjusted.partial(term) };
    let left_out = columns.iter().filter(|c| c.term == term).count() - rows.len();
    let l = DMatrix::from_fn(rows.len(), columns.len(), |r, c| rows[r][c]);
    let test = (!rows.is_empty()).then(|| of.f_test(label, &l)).transpose()?;
    Ok(JointTest { term: label.clone(), test, left_out })
}

fn test_of_term(of: &dyn Estimates, term: usize) -> Result<JointTest> {
    let columns = of.columns();
    let label = &columns.terms()[term].label;
    let (factors, numbers) = columns.parts_of_term(term);
    let (test, left_out) = effect_test(of, Basis::AsGiven, label, &factors, &numbers)?;
    let averages = columns.averages_are_type_three(term);
    if averages && left_out == 0 {
        return Ok(JointTest { term: label.clone(), test, left_out });
    }
    // Averages with equal weights do not say the hypothesis, or not all of it.
    let tested = test.as_ref().map_or(0, |test| test.num_df as usize);
    match of.account().type_three(columns, term) {
        Some(rows) if !rows.is_empty() && (!averages || rows.len() > tested) => {
            let l = DMatrix::from_fn(rows.len(), columns.len(), |r, c| rows[r][c]);
            let left_out = (tested + left_out).saturating_sub(rows.len());
            Ok(JointTest { term: label.clone(), test: Some(of.f_test(label, &l)?), left_out })
        }
        _ => Ok(JointTest { term: label.clone(), test, left_out }),
    }
}

/// The terms whose hypotheses of type III are no averages with equal weights, for the notes.
fn not_averages(columns: &Columns) -> Option<String> {
    let named = (0..columns.terms.len()).filter(|&t| !columns.terms[t].variables.is_empty());
    let labels: Vec<&str> = named.filter(|&t| !columns.averages_are_type_three(t)).map(|t| columns.terms[t].label.as_str()).collect();
    (!labels.is_empty()).then(|| {
        format!(
            "{}: of lower order terms, or of an intercept, some are absent, or a term has several numeric columns; the hypothesis is \
             that of SAS: every estimable function of the term's parameters that is orthogonal to those of terms containing it.",
            labels.join(", ")
        )
    })
}

/// That type II is about the columns as they are coded, where that matters: without an intercept the first factor
/// has a column for every level.
fn coded_in_full(columns: &Columns) -> Option<String> {
    let factors = columns.variables.iter().filter(|v| v.is_factor()).count();
    (!columns.model.has_intercept() && factors > 1).then(|| {
        "Without an intercept the factor coded in full is tested with a degree of freedom for each of its columns; SAS, which has          a parameter for every level of the other factors as well, tests one less, for their levels add up to a constant."
            .into()
    })
}

/// The test of the interaction contrasts of `factors` in the slope on `numbers` (in the mean where there are none), and
/// how many degrees of freedom of it the data do not determine.
fn effect_test(of: &dyn Estimates, basis: Basis, label: &str, factors: &[Dimension], numbers: &[usize]) -> Result<(Option<FTest>, usize)> {
    let (columns, account) = (of.columns(), of.account());
    let grid = ReferenceGrid::new(columns, account, &Averaging::default())?;
    let p = columns.len();
    let levels: Vec<usize> = factors.iter().map(|&d| columns.levels(d).len()).collect();
    let contrasts = level_combinations(&levels).into_iter().map(|c| interaction_contrast(&grid, factors, &levels, &c, numbers));
    // A factor held at one level makes rows of zeros, e.g. arms before treatment.
    let rows: Vec<Vec<f64>> = contrasts.filter(|r| r[..p].iter().any(|x| x.abs() > 1e-12)).collect();
    let wanted = rows.len();
    let rows = account.estimable_part(rows);
    let left_out = wanted - rows.len();
    if rows.is_empty() {
        return Ok((None, left_out));
    }
    let l = DMatrix::from_fn(rows.len(), p, |r, c| rows[r][c]);
    let l = match basis {
        Basis::AsGiven => l,
        Basis::Orthonormal => orthonormalized(l, &DMatrix::from_fn(rows.len(), rows[0].len() - p, |r, c| rows[r][p + c])),
    };
    Ok((Some(of.f_test(label, &l)?), left_out))
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
            Column::real("f", "F", Format::Decimals(4), of(|t| t.f)),
            Column::real("p", "p", Format::Probability, of(|t| t.p)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(JointTests);
