//! What is stated about a simulated trial of PTSD and cluster C personality disorder.

use super::Stated;
use super::random::lower_factor;
use crate::error::{Error, Problem, Problems, Result};
use crate::table::counted;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A whole trial, stated: arms and schedule, how severity moves, how it becomes ratings, who treats whom, who is
/// missing.
///
/// Read it from JSON with [`Truth::read`] and simulate it with [`Truth::simulate`]. Every number is [`Stated`], with
/// its origin.
///
/// # Model
/// Patient i at visit t has on instrument m the latent severity
///
/// η_itm = μ_atm + σ_tm (√(1 − τ − γ) z_itm + √τ u_m,therapist(i) + √γ v_m,group(i)),
///
/// with arm mean μ, standard deviation σ, therapist share τ and therapy-group share γ (both 0 at the first visit, γ =
/// 0 in arms without groups), u and v standard normal, and z normal with correlation R over visits within each
/// instrument and ρ R between the two. The total is η rounded to a whole number and kept within the scale; it is then
/// spread over the items by their propensities ([`ItemTruth`]). A patient is drawn anew until the baseline ratings
/// meet the criteria of PTSD and of at least one cluster C disorder. Rounding, the ends of the scale and this
/// selection move means and standard deviations of the totals away from μ and σ: at baseline upwards and together.
///
/// ```
/// use trialstats::simulate::Truth;
///
/// let mut truth = Truth::read("data-samples/imrs_gst/truth.json")?;
/// truth.seed.value = 1; // another trial from the same truth
/// let trial = truth.simulate()?;
/// assert_eq!(trial.patients.len(), 130);
/// let mut file = vec![];
/// trial.write_csv(&mut file)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// What this is; states first that the data are synthetic.
    pub description: String,
    /// The seed of everything random.
    pub seed: Stated<u64>,
    /// The visits in order, the first being the baseline.
    pub visits: Stated<Vec<VisitTruth>>,
    /// The sites.
    pub sites: Vec<SiteTruth>,
    /// The arms, the reference first.
    pub arms: Vec<ArmTruth>,
    /// Who the patients are.
    pub patients: PatientTruth,
    /// CAPS-5: 20 symptom items rated 0–4, the total 0–80.
    pub caps5: InstrumentTruth,
    /// CAPS-5 items that are not part of the total.
    pub caps5_accompanying: Vec<AccompanyingItem>,
    /// CAPS-5 item 21.
    pub caps5_onset: OnsetTruth,
    /// SCID-5-PD: 23 cluster C criteria rated 0–2, the sum 0–46.
    pub scid5pd: InstrumentTruth,
    /// How measurements of one patient go together.
    pub correlation: CorrelationTruth,
    /// Share of the variance after baseline that lies between therapists.
    pub therapist_share: Stated<f64>,
    /// Share of the variance after baseline that lies between therapy groups, in arms that have them.
    pub group_share: Stated<f64>,
    /// Who is missing when.
    pub dropout: DropoutTruth,
    /// How many sessions were attended.
    pub sessions: SessionTruth,
}

/// A planned visit.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitTruth {
    /// Its label.
    pub label: String,
    /// Months since randomization.
    pub month: u32,
}

/// A site.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteTruth {
    /// Its name.
    pub name: String,
    /// How many therapists work there; each treats patients of every arm.
    pub therapists: Stated<usize>,
}

/// An arm.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmTruth {
    /// Its name.
    pub name: String,
    /// Patients randomized to it.
    pub patients: Stated<usize>,
    /// How they divide over the sites.
    pub patients_by_site: Stated<Vec<usize>>,
    /// The size of its therapy groups, which are filled within a site in order of entry; absent where the arm has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub therapy_group_size: Option<Stated<usize>>,
    /// Mean latent CAPS-5 severity at each visit.
    pub caps5_means: Stated<Vec<f64>>,
    /// Mean latent SCID-5-PD severity at each visit.
    pub scid5pd_means: Stated<Vec<f64>>,
}

/// Who the patients are.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatientTruth {
    /// Mean age in years.
    pub age_mean: Stated<f64>,
    /// Standard deviation of the age.
    pub age_sd: Stated<f64>,
    /// Youngest and oldest patient admitted.
    pub age_range: Stated<(f64, f64)>,
    /// Share of women.
    pub female: Stated<f64>,
}

/// How an instrument behaves.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstrumentTruth {
    /// Standard deviation of the latent severity at each visit, before rounding and before the ends of the scale.
    pub sd: Stated<Vec<f64>>,
    /// How a total becomes ratings.
    pub items: ItemTruth,
}

/// The propensities by which a total is spread over items: e_ijt = location_j + cluster part_i,c(j) + item part_ij +
/// visit part_ijt, the parts normal with mean 0 and the standard deviations given here, in rating points.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemTruth {
    /// The severity at which an item of propensity 0 reaches rating 1, 2, …; rising.
    pub thresholds: Stated<Vec<f64>>,
    /// How readily each item is endorsed.
    pub locations: Stated<Vec<f64>>,
    /// Between the clusters (CAPS-5 B to E, or the disorders) of one patient.
    pub cluster_sd: Stated<f64>,
    /// Between the items of one patient, the same at every visit.
    pub item_sd: Stated<f64>,
    /// From visit to visit.
    pub visit_sd: Stated<f64>,
}

/// A CAPS-5 item outside the total, rated 0–4: intercept + slope × (mean of the 20 symptom items) + patient part +
/// visit part, rounded.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccompanyingItem {
    /// Its number, 23–27, 29 or 30.
    pub item: usize,
    /// What it rates.
    pub rates: String,
    /// Rating at a mean symptom severity of 0.
    pub intercept: Stated<f64>,
    /// Rise per point of mean symptom severity.
    pub slope: Stated<f64>,
    /// Standard deviation between patients.
    pub patient_sd: Stated<f64>,
    /// Standard deviation from visit to visit.
    pub visit_sd: Stated<f64>,
}

/// Onset and duration of the symptoms (CAPS-5 items 21 and 22).
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnsetTruth {
    /// Share of patients whose symptoms began late (item 21).
    pub delayed: Stated<f64>,
}

/// How the measurements of a patient go together.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrelationTruth {
    /// R: correlation between visits, within an instrument.
    pub between_visits: Stated<Vec<Vec<f64>>>,
    /// ρ: correlation of the two instruments at the same visit; at visits s and t it is ρ R_st.
    pub between_instruments: Stated<f64>,
}

/// Who is missing when. The chance of leaving for good before a visit after baseline is
/// logit⁻¹(logit(`at_reference`) + `log_odds_per_10_points` × (last observed CAPS-5 total − `reference`) / 10):
/// missing at random, given what was observed.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropoutTruth {
    /// Chance of leaving before each visit after baseline, at the reference total.
    pub at_reference: Stated<Vec<f64>>,
    /// The reference total for each visit after baseline.
    pub reference: Stated<Vec<f64>>,
    /// Rise of the log odds per ten points of the last observed total.
    pub log_odds_per_10_points: Stated<f64>,
    /// Chance that a patient who stays misses a single visit before the last.
    pub missed_visit: Stated<f64>,
    /// Chance that one symptom item of an assessment after baseline was not rated, for CAPS-5.
    pub missed_caps5_item: Stated<f64>,
    /// Chance that one criterion of an assessment after baseline could not be rated (`?`), for SCID-5-PD.
    pub missed_scid5pd_item: Stated<f64>,
}

/// How many sessions were attended: early stoppers attend 0 to `sufficient` − 1, the others `sufficient` to `most`,
/// all equally likely.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionTruth {
    /// The sessions the protocol plans at least; three quarters of it is what `sufficient` is.
    pub planned: Stated<u32>,
    /// The fewest sessions that are three quarters of those planned.
    pub sufficient: Stated<u32>,
    /// The most sessions the protocol allows.
    pub most: Stated<u32>,
    /// Chance of stopping early for a patient who left the trial.
    pub stopped_if_left: Stated<f64>,
    /// Chance of stopping early for a patient who stayed.
    pub stopped_if_stayed: Stated<f64>,
}

impl Truth {
    /// The truth in a JSON file.
    ///
    /// # Errors
    /// [`Error::File`] if the file cannot be read; [`Error::Data`] if it is not JSON of this shape or
    /// [`Truth::check`] finds fault with it.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let shown = path.as_ref().display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| Error::File { action: "cannot read", path: shown.clone(), source })?;
        let truth: Self = serde_json::from_str(&text).map_err(|e| {
            let problem = Problem { source: Some(shown), line: Some(e.line() as u64), message: e.to_string().into(), ..Problem::default() };
            Error::Data(Problems(vec![problem]))
        })?;
        truth.check()?;
        Ok(truth)
    }

    /// Whether lengths, ranges and the correlation matrix make sense.
    ///
    /// # Errors
    /// [`Error::Data`] lists everything that does not.
    pub fn check(&self) -> Result<()> {
        let problems: Vec<Problem> = self
            .faults()
            .into_iter()
            .map(|message| Problem { source: Some("truth".into()), message: message.into(), ..Problem::default() })
            .collect();
        if problems.is_empty() { Ok(()) } else { Err(Error::Data(Problems(problems))) }
    }

    fn faults(&self) -> Vec<String> {
        let mut found = vec![];
        let visits = self.visits.len();
        if visits == 0 || self.arms.is_empty() || self.sites.is_empty() {
            found.push("a trial needs at least one visit, one arm and one site".to_string());
            return found;
        }
        self.check_lengths(&mut found);
        self.check_ranges(&mut found);
        let r = &self.correlation.between_visits.value;
        if r.len() != visits || r.iter().any(|row| row.len() != visits) {
            found.push(format!("correlation.between_visits must be {visits} × {visits}, one row per visit"));
        } else if (0..visits).any(|i| r[i][i] != 1.0 || (0..i).any(|j| r[i][j] != r[j][i])) {
            found.push("correlation.between_visits must be symmetric with ones on the diagonal".into());
        } else if lower_factor(&r.concat(), visits).is_none() {
            found.push("correlation.between_visits is not positive definite: no measurements can have these correlations".into());
        }
        found
    }

    fn check_lengths(&self, found: &mut Vec<String>) {
        let visits = self.visits.len();
        let mut length = |what: String, has: usize, needs: usize| {
            if has != needs {
                found.push(format!("{what} has {has} values where {needs} are needed"));
            }
        };
        for arm in &self.arms {
            length(format!("patients_by_site of arm `{}`", arm.name), arm.patients_by_site.len(), self.sites.len());
            length(format!("caps5_means of arm `{}`", arm.name), arm.caps5_means.len(), visits);
            length(format!("scid5pd_means of arm `{}`", arm.name), arm.scid5pd_means.len(), visits);
        }
        length("caps5.sd".into(), self.caps5.sd.len(), visits);
        length("scid5pd.sd".into(), self.scid5pd.sd.len(), visits);
        length("caps5.items.thresholds".into(), self.caps5.items.thresholds.len(), 4);
        length("scid5pd.items.thresholds".into(), self.scid5pd.items.thresholds.len(), 2);
        length("caps5.items.locations".into(), self.caps5.items.locations.len(), 20);
        length("scid5pd.items.locations".into(), self.scid5pd.items.locations.len(), 23);
        length("dropout.at_reference".into(), self.dropout.at_reference.len(), visits - 1);
        length("dropout.reference".into(), self.dropout.reference.len(), visits - 1);
    }

    fn check_ranges(&self, found: &mut Vec<String>) {
        for arm in &self.arms {
            let divided: usize = arm.patients_by_site.iter().sum();
            if divided != *arm.patients {
                found.push(format!("arm `{}` has {}, but {divided} over its sites", arm.name, counted(*arm.patients, "patient")));
            }
            if arm.therapy_group_size.as_ref().is_some_and(|s| **s == 0) {
                found.push(format!("the therapy groups of arm `{}` must hold at least one patient", arm.name));
            }
        }
        if self.sites.iter().any(|s| *s.therapists == 0) {
            found.push("every site needs at least one therapist".into());
        }
        let sds = [&self.caps5, &self.scid5pd];
        if sds.iter().any(|i| i.sd.iter().any(|sd| !(*sd > 0.0 && sd.is_finite()))) {
            found.push("standard deviations must be positive".into());
        }
        if sds.iter().any(|i| !i.items.thresholds.windows(2).all(|w| w[0] < w[1])) {
            found.push("the thresholds of the items must rise".into());
        }
        let outside = |p: f64| !(0.0..=1.0).contains(&p);
        let d = &self.dropout;
        let single = [*d.missed_visit, *d.missed_caps5_item, *d.missed_scid5pd_item, *self.patients.female, *self.caps5_onset.delayed];
        let s = &self.sessions;
        let stopping = [*s.stopped_if_left, *s.stopped_if_stayed];
        if single.into_iter().chain(stopping).chain(d.at_reference.iter().copied()).any(outside) {
            found.push("chances and shares must lie between 0 and 1".into());
        }
        if outside(*self.therapist_share) || outside(*self.group_share) || *self.therapist_share + *self.group_share >= 1.0 {
            found.push("therapist_share and group_share must be shares that leave some variance to the patients".into());
        }
        if !(-1.0..=1.0).contains(&*self.correlation.between_instruments) {
            found.push("correlation.between_instruments must lie between −1 and 1".into());
        }
        let sufficient = u64::from(*s.planned).saturating_mul(3).div_ceil(4);
        if u64::from(*s.sufficient) != sufficient || sufficient == 0 || *s.sufficient > *s.most {
            found.push(format!(
                "sessions.sufficient must be three quarters of sessions.planned, here {sufficient}, and at most sessions.most"
            ));
        }
        for item in &self.caps5_accompanying {
            if !matches!(item.item, 23..=27 | 29 | 30) {
                found.push(format!("caps5_accompanying describes item {}; only items 23–27, 29 and 30 are rated that way", item.item));
            }
        }
    }
}
