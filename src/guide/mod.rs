//! Pages to read: what has been found out about the methods, and where programs differ.
//!
//! | page | says |
//! |---|---|
//! | [`first_report`] | from an Excel or CSV file to the report in three commands |
//! | [`same_analysis`] | what you write in SAS, SPSS, R and here, with the outputs side by side |
//! | [`operating_characteristics`] | type I error and coverage of Satterthwaite, Kenward–Roger and CR2 in small trials with dropout, by simulation |
//! | [`partial_nesting`] | type I error, coverage and bias of six models of a trial with therapy groups in one arm only, by simulation: which to use |
//! | [`differences`] | where this library's numbers differ from those of SAS, mmrm, nlme, lme4 and their companions, by how much, and why |

#[doc = include_str!("first_report.md")]
pub mod first_report {}

#[doc = include_str!("same_analysis.md")]
pub mod same_analysis {}

#[doc = include_str!("differences.md")]
pub mod differences {}

#[doc = include_str!("operating_characteristics.md")]
pub mod operating_characteristics {}

#[doc = include_str!("partial_nesting.md")]
pub mod partial_nesting {}
