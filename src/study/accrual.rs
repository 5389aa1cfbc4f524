//! When patients enter a trial, and where.

use super::draw::Drawer;
use super::truth::{ClusterTruth, TrialTruth};
use crate::error::{Error, Result};
use crate::options::choices;
use crate::simulate::random::Stream;

/// The stream of the times of entry.
const ENTRY: u64 = (1 << 62) + 1;

/// How patients arrive at sites that recruit at their own pace.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arrivals {
    /// At equal intervals.
    #[default]
    Even,
    /// At random: the times of entry are those of a Poisson process with the rate of all open sites together, anew for every
    /// trial. Who enters where stays the same.
    Poisson,
}

choices! {
    Arrivals, "way in which patients arrive":
    Even = "even", [], "at equal intervals at every site";
    Poisson = "poisson", ["random"], "at random, anew for every trial";
}

/// Sites with their own pace.
#[derive(Debug, Clone, Copy)]
struct Sites<'t> {
    rates: &'t [f64],
    opens: &'t [f64],
}

impl ClusterTruth {
    fn pace(&self) -> Option<Sites<'_>> {
        self.rates.as_ref().map(|rates| Sites { rates, opens: &self.opens })
    }

    pub(super) fn check_accrual(&self) -> Result<()> {
        let what = || format!("the clusters `{}`", self.factor);
        let Some(rates) = &self.rates else {
            return match self.opens.is_empty() && self.arrivals == Arrivals::Even {
                true => Ok(()),
                false => Err(Error::incomplete(what(), "`opens` and `arrivals` are of sites with `rates`", "state the `rates`")),
            };
        };
        if self.arm.is_some() {
            return Err(Error::conflict(what(), "sites with `rates` recruit for all arms", "leave `arm` out"));
        }
        if rates.is_empty() || rates.iter().any(|rate| !(*rate > 0.0 && rate.is_finite())) {
            let why = format!("rates of {rates:?} are not all above zero");
            return Err(Error::out_of_range(what(), why, "give each site's patients per unit of the visits' times"));
        }
        if !self.opens.is_empty() && self.opens.len() != rates.len() {
            let why = format!("there are {} times of opening and {} rates", self.opens.len(), rates.len());
            return Err(Error::wrong_number(what(), why, "give one time per site"));
        }
        match self.opens.iter().all(|time| *time >= 0.0 && time.is_finite()) {
            true => Ok(()),
            false => Err(Error::out_of_range(what(), "a site opens before 0, when the first patient may enter", "give times from 0 on")),
        }
    }
}

impl Sites<'_> {
    fn opens(&self, site: usize) -> f64 {
        self.opens.get(site).copied().unwrap_or(0.0)
    }

    /// The site and the time of each patient in the order of entry, where they arrive at equal intervals: the first of a site
    /// when it opens.
    fn even(&self, patients: usize) -> Vec<(usize, f64)> {
        let mut entered = vec![0_usize; self.rates.len()];
        let next = |site: usize, entered: &[usize]| self.opens(site) + entered[site] as f64 / self.rates[site];
        let mut all = Vec::with_capacity(patients);
        for _ in 0..patients {
            let first = (0..entered.len()).min_by(|&a, &b| next(a, &entered).total_cmp(&next(b, &entered))).unwrap_or(0);
            all.push((first, next(first, &entered)));
            entered[first] += 1;
        }
        all
    }

    /// The time by which so many patients are expected to have entered.
    fn expected(&self, patients: f64) -> f64 {
        let mut openings: Vec<(f64, f64)> = (0..self.rates.len()).map(|site| (self.opens(site), self.rates[site])).collect();
        openings.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut time, mut rate, mut entered) = (openings[0].0, 0.0, 0.0);
        for (opens, own) in openings {
            let until = entered + rate * (opens - time);
            if until >= patients {
                break;
            }
            (time, entered, rate) = (opens, until, rate + own);
        }
        time + (patients - entered) / rate
    }
}

impl TrialTruth {
    fn sites(&self) -> Option<(&ClusterTruth, Sites<'_>)> {
        self.clusters.iter().find_map(|cluster| Some((cluster, cluster.pace()?)))
    }

    /// By place in the order of entry, the site of each patient of these clusters, where they recruit at their own pace.
    pub(super) fn sites_by_entry(&self, cluster: &ClusterTruth) -> Option<Vec<usize>> {
        Some(cluster.pace()?.even(self.patients()).into_iter().map(|(site, _)| site).collect())
    }

    /// The place of each patient in the order of entry, where sites recruit at their own pace: within each site the arms take turns by
    /// their shares, as a randomization stratified by site has it.
    pub(super) fn ranks_by_site(&self) -> Option<Vec<usize>> {
        let (cluster, pace) = self.sites()?;
        let arms = self.arms.len();
        let before: Vec<usize> = (0..arms).map(|arm| self.arms[..arm].iter().map(|a| a.patients).sum()).collect();
        let (mut at_site, mut taken) = (vec![vec![0_usize; arms]; pace.rates.len()], vec![0_usize; arms]);
        let mut ranks = vec![0; self.patients()];
        for (rank, site) in self.sites_by_entry(cluster)?.into_iter().enumerate() {
            let turn = |taken: &[usize], arm: usize| (taken[arm] as f64 + 0.5) / self.arms[arm].patients as f64;
            let first = |a: &usize, b: &usize| {
                let of = |taken: &[usize]| turn(taken, *a).total_cmp(&turn(taken, *b));
                of(&at_site[site]).then(of(&taken)).then(a.cmp(b))
            };
            let arm = (0..arms).filter(|&arm| taken[arm] < self.arms[arm].patients).min_by(first)?;
            ranks[before[arm] + taken[arm]] = rank;
            taken[arm] += 1;
            at_site[site][arm] += 1;
        }
        Some(ranks)
    }

    /// Whether patients enter at known times.
    pub(super) fn has_accrual(&self) -> bool {
        self.sites().is_some()
    }
}

impl Drawer {
    /// When the patients enter, in the order of entry, where sites recruit at their own pace.
    pub(super) fn entries(&self, seed: u64, replicate: u64) -> Option<Vec<f64>> {
        let (cluster, sites) = self.truth().sites()?;
        let patients = self.truth().patients();
        Some(match cluster.arrivals {
            Arrivals::Even => sites.even(patients).into_iter().map(|(_, time)| time).collect(),
            Arrivals::Poisson => {
                // A Poisson process of rate 1 in the number expected.
                let mut stream = Stream::new(seed, replicate, ENTRY);
                let mut expected = 0.0;
                let mut next = || {
                    expected -= libm::log(1.0 - stream.uniform());
                    sites.expected(expected)
                };
                (0..patients).map(|_| next()).collect()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patients_enter_where_they_are_due() {
        let sites = Sites { rates: &[2.0, 1.0], opens: &[0.0, 1.0] };
        let expected = [(0, 0.0), (0, 0.5), (0, 1.0), (1, 1.0), (0, 1.5), (0, 2.0), (1, 2.0)];
        assert_eq!(sites.even(7), expected);
        // Two per unit until 1, then three.
        for (patients, time) in [(1.0, 0.5), (2.0, 1.0), (3.5, 1.5), (8.0, 3.0)] {
            assert!((sites.expected(patients) - time).abs() < 1e-15);
        }
    }
}
