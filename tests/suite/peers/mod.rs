//! The numbers of R and SAS, by committed scripts and results.

mod clda;
mod differences;
mod mmrm;
mod multiplicity;
mod nlme_lme4;
mod paired_t;
mod subgroups;
