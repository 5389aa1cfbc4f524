//! Means, differences and contrasts as the command line asks for them: `--means`, `--compare`, `--adjust`, `--contrast`.

use super::failure::Failure;
use super::fit::FitArguments;
use super::source::{SourceArguments, Wanted};
use trialstats::means::{Adjustment, ArmComparisons, Averaging, ContrastOptions, Contrasts, LinearContrast, MarginalMeans, MeansOptions};
use trialstats::{Estimates, Means as _, Model};

/// What was asked for, as tables.
pub struct Means {
    pub means: MarginalMeans,
    /// None for a factor with one level.
    pub differences: Option<Contrasts>,
    /// Contrasts by weights.
    pub custom: Option<Contrasts>,
}

impl FitArguments {
    /// The column of the arm, if one was named: by `--arm`, or as the first of `--means ARM VISIT` where it does not
    /// change within patients.
    pub fn arm(&self, model: &Model) -> Option<&str> {
        if let Some(declared) = self.source.arm.as_deref() {
            return Some(declared);
        }
        let outcome = model.mean().outcome_name();
        match self.means.as_deref() {
            Some([arm, visit]) if visit == self.source.visit() && is_fixed(&self.source, arm, outcome) => Some(arm),
            _ => None,
        }
    }

    /// Refuses factors of `--means` that the formula does not have.
    pub fn check_means(&self, model: &Model, arm: Option<&str>) -> Result<(), Failure> {
        let known = model.mean().columns();
        let visit = self.source.visit();
        let names = self.means.as_deref().unwrap_or_default();
        let is_known = |name: &&String| {
            let name = name.as_str();
            known.contains(&name) || name == visit || name == "visit" || (Some(name) == arm && known.contains(&"arm")) || name == "arm"
        };
        let Some(stranger) = names.iter().find(|name| !is_known(name)) else { return Ok(()) };
        // The arm may be what --means itself says it is.
        let others = [Some(visit), arm].into_iter().flatten().filter(|name| !known.contains(name) && name != stranger);
        let factors: Vec<String> = known.iter().copied().chain(others).map(String::from).collect();
        let unknown = trialstats::Error::Unknown { kind: "factor of the formula", name: stranger.clone(), known: factors };
        let example = if let [first, second] = names
            && second == stranger
        {
            format!("; the visit is in column `{visit}` (--visit): --means {first} {visit}")
        } else {
            String::new()
        };
        Err(Failure::Usage(format!("--means {}: {unknown}{example}", names.join(" "))))
    }

    /// The tables, where they were asked for.
    pub fn tables(&self, fit: &dyn Estimates, arm: Option<&str>) -> Result<Option<Means>, Failure> {
        let Some(names) = self.means.as_deref() else {
            return match self.contrast.first() {
                Some(first) => Err(Failure::Usage(format!(
                    "--contrast \"{first}\": say with --means which factors the levels are of, as in --means {} {}",
                    arm.unwrap_or("TREATMENT"),
                    self.source.visit()
                ))),
                None => Ok(None),
            };
        };
        let factors: Vec<&str> = names.iter().map(String::as_str).collect();
        let averaging = Averaging::weights(self.average);
        let means = fit.marginal_means(&factors, &MeansOptions { averaging: averaging.clone(), level: self.level })?;
        let options = ContrastOptions::default().averaging(averaging).level(self.level);
        let by_arm = matches!(factors[..], [first, second] if arm == Some(first) && second == self.source.visit());
        let arms = self.compare.clone().unwrap_or(match (self.adjust, by_arm) {
            (Some(Adjustment::Tukey), _) => ArmComparisons::Pairwise,
            (Some(Adjustment::Dunnett), _) | (_, true) => ArmComparisons::WithReference,
            (_, false) => ArmComparisons::Pairwise,
        });
        // Every two levels of a factor are many questions; arms are compared as planned.
        let usual = if by_arm || arms != ArmComparisons::Pairwise { Adjustment::None } else { Adjustment::Tukey };
        let compared = options.clone().arms(arms).adjustment(self.adjust.unwrap_or(usual));
        let several = means.rows.iter().any(|row| row.levels[0] != means.rows[0].levels[0]);
        let differences = match (by_arm, several) {
            (true, _) => Some(fit.arm_contrasts(&compared)?),
            (false, true) => Some(fit.factor_contrasts(&factors, &compared)?),
            (false, false) => None,
        };
        let asked = self.contrast.iter().map(|text| contrast(text, &means)).collect::<Result<Vec<_>, _>>()?;
        // The rows of a table by weights are no pairwise comparisons.
        let adjust = match self.adjust.unwrap_or_default() {
            Adjustment::Tukey | Adjustment::Dunnett => Adjustment::SingleStep,
            other => other,
        };
        let custom = (!asked.is_empty()).then(|| fit.linear_contrasts(&asked, &options.adjustment(adjust))).transpose()?;
        Ok(Some(Means { means, differences, custom }))
    }
}

/// Whether a column has one value per patient; also where the file cannot be read so, which is told elsewhere.
fn is_fixed(source: &SourceArguments, column: &str, outcome: &str) -> bool {
    let plain = SourceArguments { reference: vec![], levels: vec![], factor: vec![], kind: vec![], roster: None, ..source.clone() };
    let wanted = Wanted { outcomes: vec![outcome.into()], covariates: vec![column.into()], ..Wanted::default() };
    let changes = plain.read(None, &wanted).is_ok_and(|trial| trial.covariate(column).is_ok_and(|v| v.varies_by_visit()));
    !changes
}

/// `late effect: TRT:VIS3=1/2, TRT:VIS4=1/2, PBO:VIS3=-1/2, PBO:VIS4=-1/2` as a contrast of cells of `means`.
fn contrast(text: &str, means: &MarginalMeans) -> Result<LinearContrast, Failure> {
    let (label, cells) = text.split_once(": ").map_or((text, text), |(label, cells)| (label.trim(), cells));
    let known: Vec<String> = means.rows.iter().map(|row| row.levels.join(":")).collect();
    let refused = |why: String| {
        let example = known.first().map_or("LEVEL", String::as_str);
        Failure::Usage(format!(
            "--contrast \"{text}\": {why}; write \"NAME: CELL=WEIGHT, CELL=WEIGHT\" with cells of --means {}, such as {example}=1",
            means.factors.join(" ")
        ))
    };
    let mut found = LinearContrast::new(label);
    // A level may have commas in it, so that an item may go on behind one.
    let mut item = String::new();
    for part in cells.split(',') {
        item = if item.is_empty() { part.to_string() } else { format!("{item},{part}") };
        let Some((cell, weight)) = item.rsplit_once('=') else { continue };
        let Some(at) = known.iter().position(|own| own == cell.trim()) else { continue };
        let weight = number(weight.trim()).ok_or_else(|| refused(format!("`{}` is no weight", weight.trim())))?;
        let cell: Vec<(&str, &str)> =
            means.factors.iter().map(String::as_str).zip(means.rows[at].levels.iter().map(String::as_str)).collect();
        found = found.cell(&cell, weight);
        item.clear();
    }
    if !item.trim().is_empty() || found.cells().is_empty() {
        return Err(refused(format!("`{}` is no cell with a weight; the cells are {}", item.trim(), known.join(", "))));
    }
    Ok(found)
}

/// `0.5`, `-1`, `1/3`.
fn number(text: &str) -> Option<f64> {
    let value = match text.split_once('/') {
        Some((a, b)) => a.trim().parse::<f64>().ok()? / b.trim().parse::<f64>().ok()?,
        None => text.parse().ok()?,
    };
    Some(value).filter(|x| x.is_finite())
}
