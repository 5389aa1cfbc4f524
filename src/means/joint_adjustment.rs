//! Adjustments for multiplicity that use the joint distribution of the statistics.

use super::{Adjustment, ArmComparisons, Contrast, ContrastOptions, Family};
use crate::dist::{multivariate_t, studentized_range};
use crate::error::{Error, Result};
use crate::estimates::Estimates;
use nalgebra::DMatrix;

/// Adjusts the p-values of each family of rows.
pub(super) fn adjust(of: &dyn Estimates, rows: &mut [Contrast], options: &ContrastOptions) -> Result<()> {
    let ContrastOptions { adjustment, family, arms, .. } = options;
    let pairwise = *arms == ArmComparisons::Pairwise;
    if *adjustment == Adjustment::Dunnett && pairwise {
        return Err(Error::conflict(
            "Dunnett's adjustment of pairwise comparisons",
            "it is one for comparisons with one reference",
            "compare with a reference, or use Tukey's adjustment",
        ));
    }
    // Tukey's and Dunnett's are of the comparisons within one cell of what is not compared.
    let by_cell = matches!(adjustment, Adjustment::Tukey | Adjustment::Dunnett);
    let member = |row: &Contrast| {
        let visit = row.visit.as_ref().map(|v| v.index).filter(|_| by_cell || *family == Family::Visit);
        (visit, row.compared.within().filter(|_| by_cell).map(String::from))
    };
    let mut families: Vec<(Option<usize>, Option<String>)> = vec![];
    for row in rows.iter() {
        if !families.contains(&member(row)) {
            families.push(member(row));
        }
    }
    for own in families {
        let of_family: Vec<usize> = (0..rows.len()).filter(|&r| member(&rows[r]) == own).collect();
        let p = if adjustment.is_joint() {
            let members: Vec<&Contrast> = of_family.iter().map(|&r| &rows[r]).collect();
            adjusted(of, &members, *adjustment, pairwise)?
        } else {
            adjustment.adjust(&of_family.iter().map(|&r| rows[r].estimate.p).collect::<Vec<f64>>())
        };
        of_family.iter().zip(p).for_each(|(&r, p)| rows[r].p_adjusted = p);
    }
    Ok(())
}

/// p-values of one family of contrasts, adjusted together; NaN where a row has no estimate.
fn adjusted(of: &dyn Estimates, rows: &[&Contrast], adjustment: Adjustment, pairwise: bool) -> Result<Vec<f64>> {
    let estimated: Vec<usize> = (0..rows.len()).filter(|&r| rows[r].estimate.t.is_finite()).collect();
    let mut p = vec![f64::NAN; rows.len()];
    let one = |r: usize| (rows[r].estimate.t.abs(), rows[r].estimate.df);
    match adjustment {
        Adjustment::Tukey => {
            let groups = levels(rows.len(), pairwise)?;
            for &r in &estimated {
                let (t, df) = one(r);
                p[r] = studentized_range::sf(t * std::f64::consts::SQRT_2, groups, df);
            }
        }
        _ => {
            let correlation = correlation(of, rows, &estimated);
            for &r in &estimated {
                let (t, df) = one(r);
                // Never below the plain value, which the same statistic has alone.
                p[r] = multivariate_t::two_sided_sf(t, &correlation, df).max(rows[r].estimate.p);
            }
        }
    }
    Ok(p)
}

/// The number of levels of which every two are compared, those without an estimate included: they were asked for.
fn levels(rows: usize, pairwise: bool) -> Result<usize> {
    let groups = (2..=rows + 1).find(|k| k * (k - 1) / 2 >= rows).unwrap_or(2);
    if pairwise && groups * (groups - 1) / 2 == rows {
        return Ok(groups);
    }
    Err(Error::conflict(
        "Tukey's adjustment",
        "it is one for all pairwise comparisons of means, and these are others",
        "compare pairwise, or use the single-step adjustment, which is for any contrasts",
    ))
}

/// The correlations of the estimates.
fn correlation(of: &dyn Estimates, rows: &[&Contrast], estimated: &[usize]) -> DMatrix<f64> {
    let vcov = of.vcov();
    let fitted: Vec<usize> = (0..vcov.nrows()).filter(|&c| !vcov[(c, c)].is_nan()).collect();
    let covariance = |a: usize, b: usize| -> f64 {
        let (a, b) = (&rows[a].coefficients, &rows[b].coefficients);
        fitted.iter().map(|&i| a[i] * fitted.iter().map(|&j| vcov[(i, j)] * b[j]).sum::<f64>()).sum()
    };
    let all = DMatrix::from_fn(estimated.len(), estimated.len(), |a, b| covariance(estimated[a], estimated[b]));
    DMatrix::from_fn(all.nrows(), all.ncols(), |a, b| if a == b { 1.0 } else { all[(a, b)] / (all[(a, a)] * all[(b, b)]).sqrt() })
}
