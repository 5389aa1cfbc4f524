//! What is written for readers: tables, sentences, figures, README.

mod files;
mod readme;
