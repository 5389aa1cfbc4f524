//! What is written for readers: tables, sentences, figures, README.

mod analyses;
mod disclosure;
mod files;
mod readme;
