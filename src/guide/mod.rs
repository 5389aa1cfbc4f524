//! Pages to read: what has been found out about the methods, and where programs differ.
//!
//! | page | says |
//! |---|---|
//! | [`first_report`] | from an Excel or CSV file to the report in three commands |
//! | [`gallery`] | what a report contains, in pictures |
//! | [`same_analysis`] | what you write in SAS, SPSS, R and here, with the outputs side by side |
//! | [`operating_characteristics`] | type I error and coverage of Satterthwaite, Kenward–Roger and CR2 in small trials with dropout, by simulation |
//! | [`partial_nesting`] | type I error, coverage and bias of six models of a trial with therapy groups in one arm only, by simulation: which to use |
//! | [`if_the_missing_are_different`] | which imputation for which question, and what its standard error means, by simulation |
//! | [`adjusted_risks`] | what a difference of response rates gains by adjusting for the baseline, and what its intervals keep in small trials, by simulation |
//! | [`mixed_probabilities`] | why a logistic mixed model's "response" is no share of a population, and how many nodes public data take |
//! | [`estimating_equations`] | generalized estimating equations in SAS, geepack, gee and statsmodels, and here |
//! | [`planning`] | power by simulation of the plan itself: what goes in, what comes out, array jobs, and the trial of imagery rescripting planned again |
//! | [`differences`] | where this library's numbers differ from those of SAS, mmrm, nlme, lme4 and their companions, by how much, and why |

#[doc = include_str!("first_report.md")]
pub mod first_report {}

#[doc = include_str!("same_analysis.md")]
pub mod same_analysis {}

#[doc = include_str!("differences.md")]
pub mod differences {}

#[doc = include_str!("adjusted_risks.md")]
pub mod adjusted_risks {}

#[doc = include_str!("mixed_probabilities.md")]
pub mod mixed_probabilities {}

#[doc = include_str!("estimating_equations.md")]
pub mod estimating_equations {}

#[doc = include_str!("operating_characteristics.md")]
pub mod operating_characteristics {}

#[doc = include_str!("if_the_missing_are_different.md")]
pub mod if_the_missing_are_different {}

#[doc = include_str!("planning.md")]
pub mod planning {}

#[doc = include_str!("partial_nesting.md")]
pub mod partial_nesting {}

/// What a report contains: some of its figures, of the **synthetic** sample trial. Each is a file of its own beside the
/// report (SVG; PNG and PDF where the plan asks for them), and stands in the HTML, Word and RTF documents with its table.
///
/// `cargo run -- report examples/plans/imrs_gst.toml` makes them all.
///
/// Who was randomized, observed and analysed at each visit, arm by arm.
///
/// <div>
#[doc = include_str!("gallery/participant_flow.svg")]
/// </div>
///
/// The means of the model over time with confidence bands, and beneath them how many were observed.
///
/// <div>
#[doc = include_str!("gallery/caps5_means.svg")]
/// </div>
///
/// The difference between arms at each visit.
///
/// <div>
#[doc = include_str!("gallery/caps5_contrasts.svg")]
/// </div>
///
/// Response and remission by every definition of the plan, with Wilson intervals; grey is the range that the unobserved could make.
///
/// <div>
#[doc = include_str!("gallery/rates.svg")]
/// </div>
///
/// How far the patients of each therapy group and therapist lie above or below what arm and visit lead to expect.
///
/// <div>
#[doc = include_str!("gallery/caps5_cluster_effects.svg")]
/// </div>
///
/// Which visits are missing together, and in how many patients.
///
/// <div>
#[doc = include_str!("gallery/caps5_missing.svg")]
/// </div>
///
/// Whether residuals are normal: means of five or more, so that no patient can be read off.
///
/// <div>
#[doc = include_str!("gallery/caps5_residual_quantiles.svg")]
/// </div>
pub mod gallery {}
