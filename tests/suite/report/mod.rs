//! What is written for readers: tables, sentences, figures, README.

mod disclosure;
mod documents;
mod files;
mod readme;
