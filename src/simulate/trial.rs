//! A whole simulated trial: places, therapists and groups first, then every patient from a stream of their own.

use super::patient::{Assessed, Place, Shared, SimulatedPatient, patient};
use super::random::{Stream, lower_factor};
use super::truth::Truth;
use crate::error::Result;
use crate::instruments::{Caps5, Diagnosis, Instrument, Scid5Pd};
use rayon::prelude::*;

/// A simulated trial, rating by rating.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedTrial {
    /// What it was simulated from.
    pub truth: Truth,
    /// The patients in order of entry.
    pub patients: Vec<SimulatedPatient>,
}

impl Truth {
    /// The trial that this truth and its seed make; the same one every time, on any number of threads.
    ///
    /// # Errors
    /// As [`Truth::check`], and [`Error::Invalid`](crate::Error::Invalid) if the truth admits hardly anyone at the
    /// first visit.
    pub fn simulate(&self) -> Result<SimulatedTrial> {
        self.check()?;
        // Stream 0 belongs to the trial, stream i + 1 to patient i.
        let mut stream = Stream::new(*self.seed, 0, 0);
        let (places, groups) = places(self, &mut stream);
        let therapists: usize = self.sites.iter().map(|s| *s.therapists).sum();
        let visits = self.visits.len();
        let mut effects = |n: usize| -> Vec<[f64; 2]> { (0..n).map(|_| [stream.normal(), stream.normal()]).collect() };
        let shared = Shared {
            truth: self,
            visit_factor: lower_factor(&self.correlation.between_visits.concat(), visits).unwrap_or_default(),
            therapists: effects(therapists),
            groups: effects(groups),
            admits,
        };
        let patients: Result<Vec<_>> = places
            .par_iter()
            .enumerate()
            .map(|(i, place)| patient(&shared, place, &mut Stream::new(*self.seed, 0, i as u64 + 1)))
            .collect();
        Ok(SimulatedTrial { truth: self.clone(), patients: patients? })
    }
}

/// Everyone's place in random order of entry, and the number of therapy groups.
fn places(truth: &Truth, stream: &mut Stream) -> (Vec<Place>, usize) {
    let mut slots: Vec<(usize, usize)> = vec![];
    for (arm, a) in truth.arms.iter().enumerate() {
        slots.extend(a.patients_by_site.iter().enumerate().flat_map(|(site, &n)| vec![(arm, site); n]));
    }
    stream.shuffle(&mut slots);
    let width = slots.len().to_string().len().max(3);
    let therapists = therapists_by_entry(truth, &slots, stream);
    let (groups, n_groups) = groups_by_entry(truth, &slots);
    let places = slots
        .iter()
        .enumerate()
        .map(|(i, &(arm, site))| Place { id: format!("P{:0width$}", i + 1), arm, site, therapist: therapists[i], therapy_group: groups[i] })
        .collect();
    (places, n_groups)
}

/// Deals the patients of each arm and site to the site's therapists in turn, starting anywhere: caseloads are even,
/// arms shared.
fn therapists_by_entry(truth: &Truth, slots: &[(usize, usize)], stream: &mut Stream) -> Vec<usize> {
    let first: Vec<usize> = truth
        .sites
        .iter()
        .scan(0, |sum, s| {
            let at = *sum;
            *sum += *s.therapists;
            Some(at)
        })
        .collect();
    let mut turns: Vec<Vec<usize>> =
        truth.arms.iter().map(|_| truth.sites.iter().map(|s| stream.whole(0, *s.therapists as u32 - 1) as usize).collect()).collect();
    slots
        .iter()
        .map(|&(arm, site)| {
            let turn = turns[arm][site];
            turns[arm][site] = (turn + 1) % *truth.sites[site].therapists;
            first[site] + turn
        })
        .collect()
}

/// Fills the therapy groups of each arm and site in order of entry, numbered in the order in which they open.
fn groups_by_entry(truth: &Truth, slots: &[(usize, usize)]) -> (Vec<Option<usize>>, usize) {
    let mut opened = 0;
    let mut filling: Vec<Vec<(usize, usize)>> = vec![vec![(0, 0); truth.sites.len()]; truth.arms.len()];
    let groups = slots
        .iter()
        .map(|&(arm, site)| {
            let size = **truth.arms[arm].therapy_group_size.as_ref()?;
            let (group, members) = &mut filling[arm][site];
            if *members % size == 0 {
                *group = opened;
                opened += 1;
            }
            *members += 1;
            Some(*group)
        })
        .collect();
    (groups, opened)
}

/// Whether ratings meet the inclusion criteria: PTSD by CAPS-5 and at least one cluster C personality disorder by
/// SCID-5-PD.
fn admits(first: &Assessed) -> bool {
    let met = |diagnoses: Vec<Diagnosis>| diagnoses.first() == Some(&Diagnosis::Met);
    met(Caps5::new().assess(&first.caps5).diagnoses) && Scid5Pd::cluster_c().assess(&first.scid5pd).diagnoses.contains(&Diagnosis::Met)
}
