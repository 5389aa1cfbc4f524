//! What is written for readers: tables, sentences, figures, README.

mod disclosure;
mod files;
mod readme;
