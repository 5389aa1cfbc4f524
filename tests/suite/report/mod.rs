//! What is written for readers: tables, sentences, figures, README.

mod analyses;
mod disclosure;
mod documents;
mod files;
mod readme;
mod remission;
