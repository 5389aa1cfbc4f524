//! Hypotheses of type III where averages with equal weights do not say them: a lower-order term is absent, there is no
//! intercept, a cell has no observation, or a term has several numeric columns.
//!
//! The definition is that of SAS (Goodnight 1978, SAS Technical Report R-101; SAS/STAT, "The Four Types of Estimable
//! Functions"): with a parameter for every combination of levels, the hypothesis of a term is every estimable function
//! of its own parameters and of those of terms that contain it, orthogonal to the estimable functions of the latter
//! alone. Where all cells are filled and all margins present these are the averages with equal weights.

use super::coding::Part;
use super::tally::Cell;
use super::*;
use crate::trial::Role;
use nalgebra::{DMatrix, DVector, SymmetricEigen};
use std::collections::{BTreeMap, BTreeSet};

/// Singular values below the root of this share of the largest are zero.
const SMALLEST_SHARE: f64 = 1e-10;
/// Entries of rows below this are rounding.
const ROUNDING: f64 = 1e-9;
/// With more parameters it would take longer than anybody waits.
const MOST_PARAMETERS: usize = 3000;

/// The numeric part of a column.
type Numbers = Vec<(usize, Part)>;

/// A parameter of the model with one for every combination of levels.
struct Parameter {
    term: usize,
    numbers: Numbers,
    /// Variables and their levels.
    levels: Vec<(usize, usize)>,
}

impl Columns {
    /// Whether the averages of a term's cells with equal weights are its hypothesis of type III as long as every cell
    /// has an observation: the intercept and the term's margins are in the model, and it has one numeric column.
    pub(crate) fn averages_are_type_three(&self, term: usize) -> bool {
        if self.constraint.is_some() {
            return true;
        }
        let own: BTreeSet<&String> = self.terms[term].variables.iter().collect();
        let (factors, numbers) = self.parts_of_term(term);
        let several = |v: &usize| self.functions.get(*v).and_then(Option::as_ref).is_some_and(|function| function.size() > 1);
        let is_factor = |name: &&&String| self.variables.iter().any(|v| v.name == ***name && v.is_factor());
        let has = |margin: BTreeSet<&String>| self.terms.iter().any(|t| t.variables.iter().collect::<BTreeSet<_>>() == margin);
        let margins = own.iter().filter(is_factor).map(|left_out| own.iter().copied().filter(|v| v != left_out).collect());
        let present = factors.is_empty() || margins.into_iter().all(has);
        self.model.has_intercept() && !numbers.iter().any(several) && present
    }
}

impl Account {
    /// The rows of a term's hypothesis of type III, one with 1 in a column of the term where that can be; `None` where
    /// there are too many parameters, or arms are held equal before treatment, which the definition does not know.
    pub(crate) fn type_three(&self, columns: &Columns, term: usize) -> Option<Vec<Vec<f64>>> {
        let cells = &self.tally.observed;
        let parameters = parameters(columns, cells);
        if columns.constraint.is_some() || parameters.len() + columns.len() > MOST_PARAMETERS {
            return None;
        }
        let aliased: BTreeMap<usize, &AliasedColumn> = self.aliased.iter().map(|a| (a.column, a)).collect();
        let kept: Vec<usize> = (0..columns.len()).filter(|c| !aliased.contains_key(c)).collect();
        // Every parameter in the coefficients that are estimated: kept × parameters.
        let all = in_coefficients(columns, cells, &parameters);
        let of_kept = DMatrix::from_fn(kept.len(), columns.len(), |k, c| match aliased.get(&c) {
            Some(alias) => alias.of.iter().find(|(own, _)| *own == kept[k]).map_or(0.0, |(_, x)| *x),
            None => f64::from(u8::from(kept[k] == c)),
        });
        let estimable = &of_kept * all;
        let select = |wanted: &dyn Fn(usize) -> bool| {
            let chosen: Vec<usize> = (0..parameters.len()).filter(|&j| wanted(parameters[j].term)).collect();
            estimable.select_columns(&chosen)
        };
        let own = select(&|t| t == term);
        let others = select(&|t| t != term && !columns.contains(t, term));
        // Functions of the term and of what contains it; among them those of what contains it alone.
        let within = null_space(&others.transpose());
        let containing = &within * null_space(&(own.transpose() * &within));
        let products = containing.transpose() * &estimable * estimable.transpose() * &within;
        let rows = &within * null_space(&products);
        let own_columns: Vec<usize> = (0..kept.len()).filter(|&k| columns[kept[k]].term == term).collect();
        let reduced = echelon(rows.transpose(), &own_columns);
        // An aliased column has the weight of the columns that it equals.
        let whole = |row: Vec<f64>| (of_kept.transpose() * DVector::from_vec(row)).iter().copied().collect();
        Some(reduced.into_iter().map(whole).collect())
    }
}

/// The parameters of all terms whose combination of levels was observed.
fn parameters(columns: &Columns, cells: &[Cell]) -> Vec<Parameter> {
    let mut found = vec![];
    for (term, of) in columns.terms.iter().enumerate() {
        let variables: Vec<usize> = of.variables.iter().filter_map(|name| columns.variables.iter().position(|v| v.name == *name)).collect();
        let (factors, numeric): (Vec<usize>, Vec<usize>) = variables.into_iter().partition(|&v| columns.variables[v].is_factor());
        let combinations: BTreeSet<Vec<(usize, usize)>> =
            cells.iter().map(|cell| factors.iter().map(|&v| (v, level_of(columns, cell, v))).collect()).collect();
        for numbers in numeric_parts(columns, &numeric) {
            let parameter = |levels: &Vec<(usize, usize)>| Parameter { term, numbers: numbers.clone(), levels: levels.clone() };
            found.extend(combinations.iter().map(parameter));
        }
    }
    found
}

/// The products of the columns of numeric variables.
fn numeric_parts(columns: &Columns, numeric: &[usize]) -> Vec<Numbers> {
    numeric.iter().fold(vec![vec![]], |found: Vec<Numbers>, &v| {
        let parts: Vec<Part> = match columns.functions.get(v).and_then(Option::as_ref) {
            Some(function) => (0..function.size()).map(Part::Basis).collect(),
            None => vec![Part::Number],
        };
        let with = |part: Part| found.iter().map(move |own| own.iter().copied().chain([(v, part)]).collect()).collect::<Vec<Numbers>>();
        parts.into_iter().flat_map(with).collect()
    })
}

fn level_of(columns: &Columns, cell: &Cell, variable: usize) -> usize {
    let is_visit = columns.variables[variable].role == Role::Visit;
    cell.level(if is_visit { Dimension::Visit } else { Dimension::Factor(variable) })
}

/// The weights T with which the columns make those of the parameters, columns × parameters: X T = X* in every cell.
fn in_coefficients(columns: &Columns, cells: &[Cell], parameters: &[Parameter]) -> DMatrix<f64> {
    let mut weights = DMatrix::zeros(columns.len(), parameters.len());
    let numbers_of = |parts: &[(usize, Part)]| -> Numbers {
        let mut numbers: Numbers = parts.iter().copied().filter(|(_, part)| part.is_number()).collect();
        numbers.sort_unstable();
        numbers
    };
    let mut groups: BTreeMap<Numbers, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (c, parts) in columns.parts.iter().enumerate() {
        groups.entry(numbers_of(parts)).or_default().0.push(c);
    }
    for (j, parameter) in parameters.iter().enumerate() {
        groups.entry(numbers_of(&parameter.numbers)).or_default().1.push(j);
    }
    for (own, wanted) in groups.values().filter(|(own, _)| !own.is_empty()) {
        let mut gram = DMatrix::zeros(own.len(), own.len());
        let mut cross = DMatrix::zeros(own.len(), wanted.len());
        for cell in cells {
            let in_cell = |v: usize, l: usize| level_of(columns, cell, v) == l;
            let ones = |c: &usize| columns.parts[*c].iter().all(|&(v, part)| !matches!(part, Part::Level(l) if !in_cell(v, l)));
            let occupied: Vec<usize> = (0..own.len()).filter(|&a| ones(&own[a])).collect();
            let met: Vec<usize> = (0..wanted.len()).filter(|&b| parameters[wanted[b]].levels.iter().all(|&(v, l)| in_cell(v, l))).collect();
            for &a in &occupied {
                occupied.iter().for_each(|&b| gram[(a, b)] += 1.0);
                met.iter().for_each(|&b| cross[(a, b)] += 1.0);
            }
        }
        let solution = pseudo_inverse(gram) * cross;
        for (a, &c) in own.iter().enumerate() {
            wanted.iter().enumerate().for_each(|(b, &j)| weights[(c, j)] = tidied(solution[(a, b)]));
        }
    }
    weights
}

fn pseudo_inverse(symmetric: DMatrix<f64>) -> DMatrix<f64> {
    let mut eigen = SymmetricEigen::new(symmetric);
    let largest = eigen.eigenvalues.amax();
    eigen.eigenvalues.iter_mut().for_each(|l| *l = if *l > SMALLEST_SHARE * largest { 1.0 / *l } else { 0.0 });
    eigen.recompose()
}

/// An orthonormal basis of the vectors that the rows take to zero, a column each.
fn null_space(rows: &DMatrix<f64>) -> DMatrix<f64> {
    let n = rows.ncols();
    if rows.nrows() == 0 || n == 0 {
        return DMatrix::identity(n, n);
    }
    let eigen = SymmetricEigen::new(rows.transpose() * rows);
    let largest = eigen.eigenvalues.amax();
    let null: Vec<usize> = (0..n).filter(|&k| eigen.eigenvalues[k] <= SMALLEST_SHARE * largest.max(SMALLEST_SHARE)).collect();
    eigen.eigenvectors.select_columns(&null)
}

/// The same space of rows with 1 in one column of each and 0 there in the others, these columns being among the
/// `preferred` ones as far as possible.
fn echelon(mut rows: DMatrix<f64>, preferred: &[usize]) -> Vec<Vec<f64>> {
    let others = (0..rows.ncols()).filter(|c| !preferred.contains(c));
    let order: Vec<usize> = preferred.iter().copied().chain(others).collect();
    let mut done = 0;
    for c in order {
        let pivot = (done..rows.nrows()).max_by(|&a, &b| rows[(a, c)].abs().total_cmp(&rows[(b, c)].abs()));
        let Some(pivot) = pivot.filter(|&r| rows[(r, c)].abs() > 1e-7) else { continue };
        rows.swap_rows(done, pivot);
        let scale = 1.0 / rows[(done, c)];
        rows.row_mut(done).scale_mut(scale);
        for r in (0..rows.nrows()).filter(|&r| r != done) {
            let share = rows[(r, c)];
            let taken = rows.row(done) * share;
            let mut row = rows.row_mut(r);
            row -= taken;
        }
        done += 1;
    }
    rows.row_iter().take(done).map(|row| row.iter().map(|&x| tidied(x)).collect()).collect()
}

/// Whole numbers where rounding alone keeps a number from being one.
fn tidied(x: f64) -> f64 {
    if (x - x.round()).abs() < ROUNDING { x.round() } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_null_space_is_orthogonal_and_complete() {
        let rows = DMatrix::from_row_slice(2, 4, &[1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
        let null = null_space(&rows);
        assert_eq!(null.ncols(), 2);
        assert!((rows * &null).amax() < 1e-12 && (null.transpose() * &null - DMatrix::identity(2, 2)).amax() < 1e-12);
        let reduced = echelon(null.transpose(), &[3]);
        assert_eq!(reduced[0], [0.0, 0.0, 0.0, 1.0]);
    }
}
