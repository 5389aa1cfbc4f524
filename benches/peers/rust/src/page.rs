//! `BENCHMARKS.md`.

use crate::cases::Row;
use crate::common::clock::written as time;
use crate::own::{Own, Patients, Refits};
use std::collections::BTreeSet;
use std::fmt::Write as _;

const HEAD: &str = "# How fast it is\n\nWritten by `benches/peers/run`, which measures the library and its peers side by side in one run on one machine; how, is said in \
                    [benches/peers/README.md](benches/peers/README.md). Ratios are what counts: times are those of this machine. Blank: not measured.\n";

/// Counted by hand, and said with its date.
const MISSED: &str = include_str!("missed.md");

const TAIL: &str = "## What is held without a clock\n\n- Nothing allocates inside an iteration: `no_iteration_allocates` in `tests/suite/fit/refit.rs` counts the allocations of whole refits \
                    (likelihood, derivatives, step, verification) and allows none.\n- Instructions of the hot path are counted by valgrind and limited in \
                    `benches/instructions.rs`; `.ci/run` checks them.\n- All that needs no peer: `cargo bench`.\n";

pub fn page(machine: &[String], rows: &[Row], own: &Own) -> String {
    let mut text = HEAD.to_string();
    text.push('\n');
    machine.iter().for_each(|line| text += &format!("- {line}\n"));
    let versions: BTreeSet<&str> = rows.iter().filter_map(|r| r.theirs.as_ref().ok()).map(|m| m.versions.as_str()).collect();
    text += &format!("- Peers: {}\n", versions.into_iter().collect::<Vec<_>>().join("; "));
    text += &beside_peers(rows);
    text += &memory(rows);
    text += "\n## Beside itself\n\n| case | median | goal | |\n|---|---|---|---|\n";
    if let Some(patients) = &own.patients {
        text += &million(patients);
    }
    if let Some(refits) = &own.refits {
        text += &ten_thousand(refits);
    }
    if let Some(s) = &own.streamed {
        let memory = s.megabytes.map_or(String::new(), |m| format!("{m:.0} MB above the start of the process"));
        let said = format!("{}: {}", rate(s.observations, s.seconds), verdict(s.observations / s.seconds >= 5e6));
        text += &line("10⁶ patients streamed from CSV, all cores: pass and fit", s.seconds, "≥ 5 million rows a second", &said);
        text += &format!("| the same: peak memory | {memory} | < 200 MB | {} |\n", verdict(s.megabytes.is_some_and(|m| m < 200.0)));
    }
    text += &methods(own);
    text += &grown(own);
    text.push('\n');
    text + MISSED + "\n" + TAIL
}

/// Peak memory on both sides.
pub fn memory(rows: &[Row]) -> String {
    let mut text = "\n## Peak memory\n\nThe highest resident memory of one run, in megabytes above what the process held with the data read and packages loaded; \
                    here and by glmm in a process of its own.\n\n| case | peer | there | here |\n|---|---|---|---|\n"
        .to_string();
    let written =
        |megabytes: Option<f64>| megabytes.map_or(String::new(), |m| if m < 10.0 { format!("{m:.1}") } else { format!("{m:.0}") });
    for row in rows {
        let [there, here] = row.megabytes.map(written);
        writeln!(text, "| {}: {} | {} | {there} | {here} |", row.name, row.what, row.peer).expect("a string takes all");
    }
    text
}

/// What came after the mixed model; ratios are to times that others have published or that were measured elsewhere.
fn methods(own: &Own) -> String {
    let mut text = "\n## Imputation, tipping points, binary outcomes, planning\n\n| case | one run |\n|---|---|\n".to_string();
    for (what, median) in &own.methods {
        writeln!(text, "| {what} | {} |", time(median.seconds)).expect("a string takes all");
    }
    text
}

/// How the cost grows.
fn grown(own: &Own) -> String {
    let mut text = "\n## How the cost grows\n\nOne thread. The exponent is the slope of log time on log size over the larger half of the sizes; ten minutes are reached at the size \
                    named, if it holds.\n\n![Time against size](benches/charts/growth.svg)\n\n| what | grows | size: time | exponent | ten minutes at |\n|---|---|---|---|---|\n"
        .to_string();
    for axis in &own.growth {
        let points: Vec<String> = axis.points.iter().map(|(size, seconds)| format!("{size}: {}", time(*seconds))).collect();
        let points = points.join("; ");
        writeln!(text, "| {} | {} | {points} | {:.2} | {} |", axis.what, axis.of, axis.exponent(), axis.ten_minutes())
            .expect("a string takes all");
    }
    text
}

fn beside_peers(rows: &[Row]) -> String {
    let mut text = "\n## Beside the peers, one thread\n\n![How many times faster](benches/charts/ratios.svg)\n\n| case | peer | peer's median (repeats) | here (repeats) | times faster | goal | |\n|---|---|---|---|---|---|---|\n".to_string();
    let mut notes = vec![];
    for row in rows {
        let (theirs, ratio) = match &row.theirs {
            Ok(m) => (format!("{} ({})", time(m.median.seconds), m.median.repeats), Some(m.median.seconds / row.own.seconds)),
            Err(why) => {
                notes.push(format!("{}: {} could not be measured: {why}", row.what, row.peer));
                (String::new(), None)
            }
        };
        if let Ok(m) = &row.theirs
            && (m.check - row.check).abs().partial_cmp(&(row.tolerance * row.check.abs())) != Some(std::cmp::Ordering::Less)
        {
            notes.push(format!("{}: the numbers differ, {} there and {} here", row.what, m.check, row.check));
        }
        let goal = row.goal.map_or(String::new(), |goal| format!("≥ {goal}"));
        let met = ratio.zip(row.goal).map_or("", |(ratio, goal)| verdict(ratio >= goal));
        let ratio = ratio.map_or(String::new(), times);
        let own = format!("{} ({})", time(row.own.seconds), row.own.repeats);
        writeln!(text, "| {} | {} | {theirs} | {own} | {ratio} | {goal} | {met} |", row.what, row.peer).expect("a string takes all");
    }
    if notes.is_empty() {
        text += "\nEvery case ends in the same number on both sides (log-likelihood, or coefficients of estimating equations), to 10⁻⁶ \
                 relative; rbmi's differences and standard errors to 10⁻⁴, those drawn within three Monte-Carlo errors.\n";
    } else {
        text.push('\n');
        notes.iter().for_each(|note| text += &format!("- {note}\n"));
    }
    text
}

fn million(p: &Patients) -> String {
    let observations = p.observations as f64;
    let mut text = String::new();
    let [one, two] = [p.pass[0].seconds, p.pass[1].seconds];
    let passed = |threads: &str, seconds, goal: &str, met: bool| {
        let said = format!("{}: {}", rate(observations, seconds), verdict(met));
        line(&format!("10⁶ patients × 5 visits in memory: the pass, {threads}"), seconds, goal, &said)
    };
    text += &passed("one thread", one, "≥ 40 million rows a second", observations / one >= 40e6);
    text += &passed("two threads", two, "≥ 1.7 × faster than one", one / two >= 1.7);
    for (what, few, many) in
        [("fit from moments", p.few.fit, p.many.fit), ("fit and Kenward–Roger from moments", p.few.kenward_roger, p.many.kenward_roger)]
    {
        text += &line(&format!("10³ patients: {what}"), few.seconds, "", "");
        let ratio = many.seconds / few.seconds;
        text += &line(
            &format!("10⁶ patients: {what}"),
            many.seconds,
            "≤ 1.5 × that of 10³",
            &format!("{ratio:.2} ×: {}", verdict(ratio <= 1.5)),
        );
    }
    text + &line("10⁶ patients: design, pass, fit and Kenward–Roger, one thread", p.whole.seconds, "", &rate(observations, p.whole.seconds))
}

fn ten_thousand(r: &Refits) -> String {
    let one = r.one.seconds;
    let [alone, both] = [r.all[0].seconds, r.all[1].seconds];
    let failed = if r.failed > 0 { format!("; {} samples have no verified optimum", r.failed) } else { String::new() };
    let over = alone / (1e4 * one);
    line("imrs_gst, cLDA: one warm refit of patients resampled", one, "", "")
        + &line("10,000 of them, one thread", alone, "≤ 2 × 10,000 × one", &format!("{over:.2} ×: {}{failed}", verdict(over <= 2.0)))
        + &line(
            "10,000 of them, two threads",
            both,
            "≥ 1.9 × faster than one",
            &format!("{:.2} ×: {}", alone / both, verdict(alone / both >= 1.9)),
        )
}

fn line(what: &str, seconds: f64, goal: &str, said: &str) -> String {
    format!("| {what} | {} | {goal} | {said} |\n", time(seconds))
}

fn rate(rows: f64, seconds: f64) -> String {
    format!("{:.1} million rows a second", rows / seconds / 1e6)
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}

pub fn times(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.2}") } else { format!("{ratio:.0}") }
}
