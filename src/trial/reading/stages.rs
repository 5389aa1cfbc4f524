//! Visits that are labelled by the stages of a study: `pre`, `post`, `follow-up 2`.

use super::labels::{is_baseline, numbered};

/// Words for the stages beside the baseline, in their order.
const SCREENING: [&str; 3] = ["screening", "screen", "scr"];
const RUN_IN: [&str; 3] = ["run in", "runin", "lead in"];
const DURING: [&str; 8] = ["mid", "midtreatment", "mid treatment", "midpoint", "interim", "during", "halfway", "tussenmeting"];
const AFTER: [&str; 14] = [
    "post",
    "posttreatment",
    "post treatment",
    "posttest",
    "post test",
    "end",
    "endpoint",
    "end of treatment",
    "eot",
    "end of study",
    "nameting",
    "final",
    "completion",
    "endline",
];
const FOLLOW_UP: [&str; 6] = ["follow up", "followup", "fu", "fup", "follow up visit", "follow ups"];

/// The stage of a label, and its number within the stage.
#[derive(Debug, Clone, PartialEq)]
struct Stage {
    stage: usize,
    /// What stands with the number beside the word of the stage, such as `month`.
    unit: String,
    number: f64,
}

/// The ranks of labels that name stages, if these alone order them.
pub(super) fn ranks(labels: &[String]) -> Option<Vec<f64>> {
    let stages: Vec<Stage> = labels.iter().map(|l| stage(l)).collect::<Option<_>>()?;
    // `post` may be before or after `week 26`.
    let numbered = |s: &Stage| s.stage == 3 && !s.number.is_nan();
    if stages.iter().any(numbered) && stages.iter().any(|s| s.stage == 4) {
        return None;
    }
    let mut order: Vec<usize> = (0..stages.len()).collect();
    order.sort_by(|&a, &b| stages[a].stage.cmp(&stages[b].stage).then_with(|| stages[a].number.total_cmp(&stages[b].number)));
    let neighbours = order.windows(2).map(|pair| (&stages[pair[0]], &stages[pair[1]]));
    // Of two at one stage, both have a number, on one scale.
    let clash =
        |(a, b): (&Stage, &Stage)| a.stage == b.stage && (a.unit != b.unit || a.number == b.number || (a.number - b.number).is_nan());
    if neighbours.into_iter().any(clash) {
        return None;
    }
    let mut ranks = vec![0.0; stages.len()];
    order.iter().enumerate().for_each(|(rank, &label)| ranks[label] = rank as f64);
    Some(ranks)
}

fn stage(label: &str) -> Option<Stage> {
    let plain = words(label);
    let of = |stage: usize| Some(Stage { stage, unit: String::new(), number: f64::NAN });
    match plain.as_str() {
        _ if is_baseline(label) || is_baseline(&plain) => return of(2),
        w if SCREENING.contains(&w) => return of(0),
        w if RUN_IN.contains(&w) => return of(1),
        w if DURING.contains(&w) => return of(3),
        w if AFTER.contains(&w) => return of(4),
        w if FOLLOW_UP.contains(&w) => return of(5),
        _ => {}
    }
    let (around, number) = numbered(label)?;
    let around = words(&around);
    let stages: [(usize, &[&str]); 4] = [(0, &SCREENING), (1, &RUN_IN), (4, &AFTER), (5, &FOLLOW_UP)];
    for (stage, of_stage) in stages {
        // The longest word first, so that `follow up visit` leaves nothing.
        let found = of_stage.iter().filter(|w| format!(" {around} ").contains(&format!(" {w} "))).max_by_key(|w| w.len());
        if let Some(word) = found {
            return Some(Stage { stage, unit: words(&format!(" {around} ").replace(&format!(" {word} "), " ")), number });
        }
    }
    Some(Stage { stage: 3, unit: around, number })
}

/// Lower case, with one blank for what stands between words.
fn words(text: &str) -> String {
    let lower = text.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(labels: &[&str]) -> Option<Vec<f64>> {
        ranks(&labels.iter().map(|l| l.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn stages_are_in_the_order_of_a_study() {
        assert_eq!(order(&["follow-up", "pre", "post"]), Some(vec![2.0, 0.0, 1.0]));
        assert_eq!(order(&["FU2", "Baseline", "FU1", "Post-test"]), Some(vec![3.0, 0.0, 2.0, 1.0]));
        assert_eq!(order(&["screening", "week 4", "baseline", "week 8", "Follow-up"]), Some(vec![0.0, 2.0, 1.0, 3.0, 4.0]));
        assert_eq!(order(&["6-month follow-up", "3-month follow-up", "post"]), Some(vec![2.0, 1.0, 0.0]));
        assert_eq!(order(&["runin", "1", "2"]), Some(vec![0.0, 1.0, 2.0]));
        assert_eq!(order(&["nameting", "voormeting"]), Some(vec![1.0, 0.0]));
    }

    #[test]
    fn what_has_no_known_stage_or_two_orders_has_no_rank() {
        for labels in [
            &["pre", "alpha"][..],
            &["post", "week 26"],
            &["1 year follow-up", "3 month follow-up"],
            &["mid", "week 4"],
            &["post", "end"],
            &["a", "b"],
        ] {
            assert_eq!(order(labels), None, "{labels:?}");
        }
    }
}
