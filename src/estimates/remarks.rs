//! What a reader has to know of degrees of freedom that look odd.

/// A sentence where degrees of freedom are above the number of observations, or below one: what they then mean.
pub(crate) fn on_df<'a>(rows: impl IntoIterator<Item = (&'a str, f64)>, observations: usize) -> Vec<String> {
    let (mut many, mut few) = (vec![], vec![]);
    for (label, df) in rows {
        if df.is_finite() && df > observations as f64 {
            many.push(label);
        }
        if df < 1.0 {
            few.push(label);
        }
    }
    let sentence = |labels: &[&str], what: &str| (!labels.is_empty()).then(|| format!("{}: {what}.", named(labels)));
    let many = sentence(
        &many,
        "more degrees of freedom than observations, as its variance is one of many that hardly move with the covariance parameters; read it as \
         a normal distribution",
    );
    let few = sentence(&few, "less than one degree of freedom: its variance is all but unknown, and its interval says so");
    many.into_iter().chain(few).collect()
}

/// The first labels, and how many more there are.
fn named(labels: &[&str]) -> String {
    const SHOWN: usize = 4;
    let more = labels.len().saturating_sub(SHOWN);
    let shown = labels[..labels.len().min(SHOWN)].join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

#[cfg(test)]
mod tests {
    #[test]
    fn odd_degrees_of_freedom_are_explained() {
        let rows = [("a", 5.0), ("b", 0.4), ("c", 2000.0), ("d", f64::INFINITY), ("e", f64::NAN)];
        let said = super::on_df(rows, 100);
        assert_eq!(said.len(), 2);
        assert!(said[0].starts_with("c: more degrees of freedom than observations"), "{said:?}");
        assert!(said[1].starts_with("b: less than one degree of freedom"), "{said:?}");
    }
}
