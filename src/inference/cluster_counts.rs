//! How many clusters a cluster-robust covariance rests on.

use super::Fit;
use crate::table::{Column, Tabular, display_as_table};
use serde::Serialize;

/// The clusters of a cluster-robust covariance that have patients of an arm.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterCount {
    /// The arm; `all` for the trial.
    pub arm: String,
    /// Clusters with analysed patients of the arm.
    pub clusters: usize,
    /// Those of them with one of its patients, among them patients who are in no cluster.
    pub of_one: usize,
    /// Analysed patients of the arm.
    pub patients: usize,
    /// The most patients of the arm in one cluster.
    pub largest: usize,
}

/// How many clusters a cluster-robust covariance rests on, arm by arm and in all.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterCounts {
    /// A row for each arm, and one for all.
    pub rows: Vec<ClusterCount>,
    /// What the clusters are.
    pub notes: Vec<String>,
}

impl Fit {
    /// How many clusters the standard errors rest on; `None` where they are model-based.
    pub fn cluster_counts(&self) -> Option<ClusterCounts> {
        let design = self.design();
        let clusters = design.rows.clusters.as_ref()?;
        let sizes = clusters.sizes(&design.rows.arm_of);
        let row = |arm: &str, of: &dyn Fn(&[usize]) -> usize| {
            let own: Vec<usize> = sizes.iter().map(|sizes| of(sizes)).filter(|n| *n > 0).collect();
            ClusterCount {
                arm: arm.into(),
                clusters: own.len(),
                of_one: own.iter().filter(|n| **n == 1).count(),
                patients: own.iter().sum(),
                largest: own.iter().copied().max().unwrap_or(0),
            }
        };
        let mut rows: Vec<ClusterCount> = clusters.arms().iter().enumerate().map(|(arm, name)| row(name, &|sizes| sizes[arm])).collect();
        rows.push(row("all", &|sizes| sizes.iter().sum()));
        Some(ClusterCounts { rows, notes: vec![format!("Clusters of a cluster-robust covariance: {}.", clusters.sentence())] })
    }
}

impl Tabular for ClusterCounts {
    fn title(&self) -> String {
        "Clusters by arm".into()
    }

    fn columns(&self) -> Vec<Column> {
        let count = |name, heading, value: fn(&ClusterCount) -> usize| Column::count(name, heading, self.rows.iter().map(value));
        vec![
            Column::text("arm", "arm", self.rows.iter().map(|r| r.arm.as_str())),
            count("clusters", "clusters", |r| r.clusters),
            count("of_one", "of one patient", |r| r.of_one),
            count("patients", "patients", |r| r.patients),
            count("largest", "patients in the largest", |r| r.largest),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(ClusterCounts);
