//! One simulated patient.

use super::items::ratings_of_total;
use super::random::{Stream, logit, lower_times, probability};
use super::truth::{InstrumentTruth, Truth};
use crate::error::{Error, Result};

/// Items of CAPS-5 by symptom cluster B, C, D, E.
const CAPS5_CLUSTERS: [usize; 4] = [5, 2, 7, 6];
/// Criteria of SCID-5-PD by disorder: avoidant, dependent, obsessive-compulsive.
const SCID5PD_CLUSTERS: [usize; 3] = [7, 8, 8];
/// Draws after which an inclusion is abandoned as too rare.
const MOST_DRAWS: usize = 10_000;

/// A simulated patient.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedPatient {
    /// Identifier, `P001`, ….
    pub id: String,
    /// Position of the arm.
    pub arm: usize,
    /// Position of the site.
    pub site: usize,
    /// Position of the therapist, counted over all sites.
    pub therapist: usize,
    /// Position of the therapy group, counted over all arms and sites; `None` in arms without groups.
    pub therapy_group: Option<usize>,
    /// Age in years.
    pub age: u32,
    /// Whether the patient is a woman.
    pub female: bool,
    /// Individual sessions attended.
    pub sessions: u32,
    /// One assessment per visit, `None` where the visit was not attended.
    pub visits: Vec<Option<Assessed>>,
}

/// The ratings of one attended visit, `None` where an item was not rated.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessed {
    /// CAPS-5 items 1–30.
    pub caps5: Vec<Option<u8>>,
    /// SCID-5-PD criteria: avoidant 1–7, dependent 1–8, obsessive-compulsive 1–8.
    pub scid5pd: Vec<Option<u8>>,
}

impl Assessed {
    /// The CAPS-5 total, if all twenty symptom items were rated.
    pub fn caps5_total(&self) -> Option<u32> {
        self.caps5[..20].iter().map(|r| r.map(u32::from)).sum()
    }

    /// The sum of the SCID-5-PD ratings, if all were given.
    pub fn scid5pd_sum(&self) -> Option<u32> {
        self.scid5pd.iter().map(|r| r.map(u32::from)).sum()
    }
}

/// Where a patient stands in the trial, decided before anything is measured.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub id: String,
    pub arm: usize,
    pub site: usize,
    pub therapist: usize,
    pub therapy_group: Option<usize>,
}

/// What therapists and groups add, in standard deviations, and what all patients share.
pub(super) struct Shared<'a> {
    pub truth: &'a Truth,
    /// Lower factor of the correlation between visits.
    pub visit_factor: Vec<f64>,
    /// By therapist: CAPS-5, SCID-5-PD.
    pub therapists: Vec<[f64; 2]>,
    /// By therapy group: CAPS-5, SCID-5-PD.
    pub groups: Vec<[f64; 2]>,
    /// Whether the ratings of a first visit admit a patient.
    pub admits: fn(&Assessed) -> bool,
}

/// The patient at `place`, from a random stream of their own.
pub(super) fn patient(shared: &Shared, place: &Place, stream: &mut Stream) -> Result<SimulatedPatient> {
    let truth = shared.truth;
    for _ in 0..MOST_DRAWS {
        let course = Course::draw(shared, place, stream);
        let first = course.assess(truth, 0, stream);
        if !(shared.admits)(&first) {
            continue;
        }
        let (visits, left) = course.follow(truth, first, stream);
        return Ok(SimulatedPatient {
            id: place.id.clone(),
            arm: place.arm,
            site: place.site,
            therapist: place.therapist,
            therapy_group: place.therapy_group,
            age: age(truth, stream),
            female: stream.happens(*truth.patients.female),
            sessions: sessions(truth, left, stream),
            visits,
        });
    }
    Err(Error::out_of_range(
        format!("simulating patient `{}`", place.id),
        format!("none of {MOST_DRAWS} draws met the inclusion criteria at the first visit"),
        "raise the means of the first visit",
    ))
}

/// What a patient would score at every visit, and the traits that shape the ratings.
struct Course {
    caps5_totals: Vec<usize>,
    scid5pd_totals: Vec<usize>,
    caps5_profile: Vec<f64>,
    scid5pd_profile: Vec<f64>,
    accompanying: Vec<f64>,
    delayed_onset: bool,
}

impl Course {
    fn draw(shared: &Shared, place: &Place, stream: &mut Stream) -> Self {
        let truth = shared.truth;
        let arm = &truth.arms[place.arm];
        let [caps5, scid5pd] = deviations(shared, place, stream);
        Self {
            caps5_totals: totals(&arm.caps5_means, &truth.caps5.sd, &caps5, 80.0),
            scid5pd_totals: totals(&arm.scid5pd_means, &truth.scid5pd.sd, &scid5pd, 46.0),
            caps5_profile: profile(&truth.caps5, &CAPS5_CLUSTERS, stream),
            scid5pd_profile: profile(&truth.scid5pd, &SCID5PD_CLUSTERS, stream),
            accompanying: stream.normals(truth.caps5_accompanying.len()),
            delayed_onset: stream.happens(*truth.caps5_onset.delayed),
        }
    }

    /// All ratings of visit `t`, none missing but the improvement at the first visit, which has nothing to compare
    /// with.
    fn assess(&self, truth: &Truth, t: usize, stream: &mut Stream) -> Assessed {
        let caps5 = spread(&truth.caps5, self.caps5_totals[t], &self.caps5_profile, stream);
        let scid5pd = spread(&truth.scid5pd, self.scid5pd_totals[t], &self.scid5pd_profile, stream);
        let mut all: Vec<Option<u8>> = caps5.into_iter().map(Some).chain([None; 10]).collect();
        all[20] = Some(u8::from(self.delayed_onset));
        all[21] = Some(1);
        let severity = self.caps5_totals[t] as f64 / 20.0;
        for (item, trait_) in truth.caps5_accompanying.iter().zip(&self.accompanying) {
            let x = *item.intercept + *item.slope * severity + *item.patient_sd * trait_ + *item.visit_sd * stream.normal();
            all[item.item - 1] = Some(x.round().clamp(0.0, 4.0) as u8);
        }
        if t > 0 {
            all[27] = Some(improvement(self.caps5_totals[0], self.caps5_totals[t]));
        }
        Assessed { caps5: all, scid5pd: scid5pd.into_iter().map(Some).collect() }
    }

    /// The visits after the first, as attended, and whether the patient left the trial.
    fn follow(&self, truth: &Truth, first: Assessed, stream: &mut Stream) -> (Vec<Option<Assessed>>, bool) {
        let (visits, d) = (self.caps5_totals.len(), &truth.dropout);
        let mut last_total = self.caps5_totals[0] as f64;
        let mut attended = vec![Some(first)];
        for t in 1..visits {
            let drift = *d.log_odds_per_10_points * (last_total - d.reference[t - 1]) / 10.0;
            if stream.happens(probability(logit(d.at_reference[t - 1]) + drift)) {
                attended.resize(visits, None);
                return (attended, true);
            }
            if stream.happens(*d.missed_visit) && t + 1 < visits {
                attended.push(None);
                continue;
            }
            let mut now = self.assess(truth, t, stream);
            drop_one(&mut now.caps5[..20], *d.missed_caps5_item, stream);
            drop_one(&mut now.scid5pd, *d.missed_scid5pd_item, stream);
            last_total = now.caps5_total().map_or(last_total, f64::from);
            attended.push(Some(now));
        }
        (attended, false)
    }
}

/// The standardised deviations of both instruments at every visit.
fn deviations(shared: &Shared, place: &Place, stream: &mut Stream) -> [Vec<f64>; 2] {
    let truth = shared.truth;
    let visits = truth.visits.len();
    let rho = *truth.correlation.between_instruments;
    let caps5 = lower_times(&shared.visit_factor, &stream.normals(visits));
    let own = lower_times(&shared.visit_factor, &stream.normals(visits));
    let scid5pd: Vec<f64> = caps5.iter().zip(&own).map(|(c, o)| rho * c + (1.0 - rho * rho).sqrt() * o).collect();
    let (therapist, group) = (*truth.therapist_share, place.therapy_group.map_or(0.0, |_| *truth.group_share));
    let clustered = |z: Vec<f64>, m: usize| {
        let shift = therapist.sqrt() * shared.therapists[place.therapist][m]
            + group.sqrt() * place.therapy_group.map_or(0.0, |g| shared.groups[g][m]);
        z.into_iter().enumerate().map(|(t, z)| if t == 0 { z } else { (1.0 - therapist - group).sqrt() * z + shift }).collect()
    };
    [clustered(caps5, 0), clustered(scid5pd, 1)]
}

fn totals(means: &[f64], sds: &[f64], deviations: &[f64], highest: f64) -> Vec<usize> {
    means.iter().zip(sds).zip(deviations).map(|((mean, sd), z)| (mean + sd * z).round().clamp(0.0, highest) as usize).collect()
}

/// The propensities of a patient's items that last over visits.
fn profile(instrument: &InstrumentTruth, clusters: &[usize], stream: &mut Stream) -> Vec<f64> {
    let items = &instrument.items;
    let of_cluster: Vec<f64> = clusters.iter().flat_map(|&size| vec![*items.cluster_sd * stream.normal(); size]).collect();
    items.locations.iter().zip(of_cluster).map(|(location, cluster)| location + cluster + *items.item_sd * stream.normal()).collect()
}

fn spread(instrument: &InstrumentTruth, total: usize, profile: &[f64], stream: &mut Stream) -> Vec<u8> {
    let propensities: Vec<f64> = profile.iter().map(|e| e + *instrument.items.visit_sd * stream.normal()).collect();
    ratings_of_total(total, &instrument.items.thresholds, &propensities)
}

/// CAPS-5 item 28: 0 asymptomatic, 1 considerable, 2 moderate, 3 slight, 4 no improvement, by the share of the first
/// total that is left.
fn improvement(first: usize, now: usize) -> u8 {
    let left = now as f64 / first.max(1) as f64;
    match left {
        _ if now == 0 => 0,
        _ if left <= 0.4 => 1,
        _ if left <= 0.7 => 2,
        _ if left <= 0.9 => 3,
        _ => 4,
    }
}

fn drop_one(ratings: &mut [Option<u8>], chance: f64, stream: &mut Stream) {
    if stream.happens(chance) {
        let j = stream.whole(0, ratings.len() as u32 - 1) as usize;
        ratings[j] = None;
    }
}

fn age(truth: &Truth, stream: &mut Stream) -> u32 {
    let (p, (youngest, oldest)) = (&truth.patients, *truth.patients.age_range);
    (*p.age_mean + *p.age_sd * stream.normal()).round().max(youngest).min(oldest) as u32
}

fn sessions(truth: &Truth, left: bool, stream: &mut Stream) -> u32 {
    let s = &truth.sessions;
    let stopped = stream.happens(if left { *s.stopped_if_left } else { *s.stopped_if_stayed });
    if stopped { stream.whole(0, *s.sufficient - 1) } else { stream.whole(*s.sufficient, *s.most) }
}
