//! Every stratified interval and test of two or more groups at once.

use super::cmh::{CmhOptions, CochranMantelHaenszel, cochran_mantel_haenszel};
use super::common_difference::StratifiedDifferenceMethod;
use super::common_ratio::{RatioMeasure, StrataTest};
use super::compared::{ComparedProportions, ComparisonOptions, MethodInterval, compare_proportions};
use super::number_needed::NumberNeeded;
use super::proportion::Proportion;
use super::strata::Strata;
use crate::error::{Error, Result};
use crate::options::Choices;
use crate::table::counted;

/// Groups compared within strata.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct StratifiedComparison {
    /// The strata: every group's patients with the event, and patients.
    pub strata: Vec<Vec<Proportion>>,
    /// The Cochran–Mantel–Haenszel statistics of groups × event × strata, with scores 1, 2, 3, … for groups.
    pub cochran_mantel_haenszel: CochranMantelHaenszel,
    /// The first group against each of the others.
    pub comparisons: Vec<CommonEffect>,
}

/// Effects common to the strata, the first group against another.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct CommonEffect {
    /// The position of the first group.
    pub first: usize,
    /// The position of the other group.
    pub second: usize,
    /// Strata in which one of the two groups has nobody, and which say nothing.
    pub strata_left_out: usize,
    /// The common difference by every [`StratifiedDifferenceMethod`].
    pub difference: Vec<MethodInterval>,
    /// The common ratio of risks.
    pub ratio: Vec<MethodInterval>,
    /// The common odds ratio.
    pub odds_ratio: Vec<MethodInterval>,
    /// The Cochran–Mantel–Haenszel test, not corrected for continuity.
    pub cochran_mantel_haenszel: StrataTest,
    /// The same with a correction for continuity.
    pub cochran_mantel_haenszel_corrected: StrataTest,
    /// Breslow and Day's test of one odds ratio.
    pub breslow_day: StrataTest,
    /// The same with Tarone's correction.
    pub tarone: StrataTest,
    /// The number needed to treat, from the stratified interval of Newcombe.
    pub number_needed: NumberNeeded,
    /// The same in words.
    pub number_needed_text: String,
}

/// Groups compared within strata, and pooled over them as [`compare_proportions`] does. Every stratum has the groups in the same
/// order; a group may have nobody in a stratum.
///
/// # Errors
/// [`Error::Invalid`] if there are fewer than two groups, if strata have different numbers of groups, if no stratum has patients
/// of both groups of a comparison, and as [`compare_proportions`].
///
/// ```
/// use trialstats::proportions::{ComparisonOptions, Proportion, compare_stratified};
/// let p = |met, of| Proportion::new(met, of);
/// let strata = [vec![p(16, 27)?, p(5, 25)?], vec![p(12, 28)?, p(7, 26)?]];
/// let compared = compare_stratified(["active", "placebo"], &strata, &ComparisonOptions::new())?;
/// let stratified = compared.stratified.unwrap();
/// assert_eq!(format!("{:.4}", stratified.comparisons[0].breslow_day.statistic), "1.4929");
/// # Ok::<(), trialstats::Error>(())
/// ```
pub fn compare_stratified<L: Into<String>>(
    labels: impl IntoIterator<Item = L>,
    strata: &[Vec<Proportion>],
    options: &ComparisonOptions,
) -> Result<ComparedProportions> {
    let labels: Vec<String> = labels.into_iter().map(Into::into).collect();
    if labels.len() < 2 {
        return Err(Error::nothing_to_compare("a stratified comparison", "there is one group", "give at least two groups in each stratum"));
    }
    if let Some(place) = strata.iter().position(|stratum| stratum.len() != labels.len()) {
        return Err(Error::wrong_number(
            format!("stratum {}", place + 1),
            format!("it has {}, and there are {}", counted(strata[place].len(), "group"), labels.len()),
            "give every group in every stratum, in the same order; 0/0 for a group without patients there",
        ));
    }
    let pooled = (0..labels.len()).map(|g| {
        strata
            .iter()
            .fold(Proportion { met: 0, of: 0 }, |sum, stratum| Proportion { met: sum.met + stratum[g].met, of: sum.of + stratum[g].of })
    });
    let pooled: Vec<Proportion> = pooled.collect();
    let mut compared = compare_proportions(labels.iter().cloned().zip(pooled), options)?;
    let tables: Vec<Vec<Vec<usize>>> = strata.iter().map(|stratum| stratum.iter().map(|p| vec![p.met, p.of - p.met]).collect()).collect();
    compared.stratified = Some(StratifiedComparison {
        strata: strata.to_vec(),
        cochran_mantel_haenszel: cochran_mantel_haenszel(&tables, &CmhOptions::new())?,
        comparisons: (1..labels.len()).map(|second| common_effect(strata, second, options)).collect::<Result<_>>()?,
    });
    Ok(compared)
}

fn common_effect(strata: &[Vec<Proportion>], second: usize, options: &ComparisonOptions) -> Result<CommonEffect> {
    let level = options.level;
    let pairs = Strata::new(strata.iter().map(|stratum| [stratum[0], stratum[second]]))?;
    let ratios = |measure: RatioMeasure| -> Result<Vec<MethodInterval>> {
        Ok(vec![
            MethodInterval::new("mantel-haenszel", "Mantel–Haenszel", pairs.mantel_haenszel(measure, level)?),
            MethodInterval::new("inverse-variance", "Inverse variance (logit)", pairs.inverse_variance(measure, level)?),
        ])
    };
    let newcombe = pairs.difference(StratifiedDifferenceMethod::Newcombe, level)?;
    let number_needed = NumberNeeded::from_difference(newcombe, options.meaning);
    Ok(CommonEffect {
        first: 0,
        second,
        strata_left_out: pairs.left_out(),
        difference: StratifiedDifferenceMethod::CHOICES
            .iter()
            .map(|choice| Ok(MethodInterval::new(choice.name, choice.meaning, pairs.difference(choice.value, level)?)))
            .collect::<Result<_>>()?,
        ratio: ratios(RatioMeasure::RiskRatio)?,
        odds_ratio: ratios(RatioMeasure::OddsRatio)?,
        cochran_mantel_haenszel: pairs.cochran_mantel_haenszel(false),
        cochran_mantel_haenszel_corrected: pairs.cochran_mantel_haenszel(true),
        breslow_day: pairs.breslow_day(false),
        tarone: pairs.breslow_day(true),
        number_needed,
        number_needed_text: number_needed.to_string(),
    })
}
