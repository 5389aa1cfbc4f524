//! What is written for readers: tables, sentences, figures, README.

mod analyses;
mod disclosure;
mod documents;
mod files;
mod individual_change;
mod readme;
mod remission;
