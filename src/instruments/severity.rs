//! Severity bands: a score turned into words.

/// One band of a severity scale.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Band {
    /// What a score in it is called.
    pub label: String,
    /// Lowest score in the band; it reaches up to the next band's.
    pub from: f64,
}

/// Bands of a score, in rising order, with where they come from.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SeverityBands {
    /// Name for tables.
    pub name: String,
    /// Where the bands come from, and how far that can be relied on.
    pub source: String,
    /// The bands, rising.
    pub bands: Vec<Band>,
}

impl SeverityBands {
    /// CAPS-5 totals of 0–10, 11–22, 23–34, 35–46 and 47–80.
    ///
    /// Widely used, but not verified in a published source by the authors of this crate, neither cut-offs nor labels:
    /// name them as your trial's bands only if its protocol does.
    ///
    /// ```
    /// use trialstats::instruments::SeverityBands;
    /// let bands = SeverityBands::caps5_widely_used();
    /// assert_eq!(bands.band_of(34.0), Some("moderate"));
    /// assert_eq!(bands.band_of(35.0), Some("severe"));
    /// ```
    pub fn caps5_widely_used() -> Self {
        let bands = [("few or no symptoms", 0.0), ("mild", 11.0), ("moderate", 23.0), ("severe", 35.0), ("extreme", 47.0)];
        Self {
            name: "CAPS-5 severity, widely used bands".into(),
            source: "widely used; not verified in a published source".into(),
            bands: bands.into_iter().map(|(label, from)| Band { label: label.into(), from }).collect(),
        }
    }

    /// The label of the band `score` falls in; `None` below the first band or for NaN. A prorated score between two
    /// whole numbers belongs to the lower band until it reaches the next.
    pub fn band_of(&self, score: f64) -> Option<&str> {
        self.bands.iter().rev().find(|b| score >= b.from).map(|b| b.label.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_band_begins_where_it_says() {
        let bands = SeverityBands::caps5_widely_used();
        for (edge, below, at) in
            [(11.0, "few or no symptoms", "mild"), (23.0, "mild", "moderate"), (35.0, "moderate", "severe"), (47.0, "severe", "extreme")]
        {
            assert_eq!(bands.band_of(edge - 1.0), Some(below));
            assert_eq!(bands.band_of(edge), Some(at));
        }
        assert_eq!(bands.band_of(-1.0), None);
        assert_eq!(bands.band_of(f64::NAN), None);
        assert_eq!(bands.band_of(80.0), Some("extreme"));
    }
}
