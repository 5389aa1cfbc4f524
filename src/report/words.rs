//! Running text whose statistics stand in italics.

use std::fmt;

/// How a piece of text is set.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Emphasis {
    /// As the text around it.
    #[default]
    Plain,
    /// In italics: symbols of statistics.
    Italic,
    /// In bold.
    Bold,
}

/// A piece of text set in one way.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Run {
    /// The words.
    pub text: String,
    /// How they are set.
    pub emphasis: Emphasis,
}

/// Running text in pieces; plain text is made with `into`.
///
/// ```
/// use trialstats::report::Text;
///
/// let text = Text::from("the arms do not differ, ").italic("p").then(" = .941");
/// assert_eq!(text.to_string(), "the arms do not differ, p = .941");
/// assert_eq!(text.runs().len(), 3);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
#[serde(transparent)]
pub struct Text {
    runs: Vec<Run>,
}

impl Text {
    /// No text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Its pieces in order.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Whether it has no words.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Followed by more text.
    pub fn then(mut self, more: impl Into<Text>) -> Self {
        more.into().runs.into_iter().for_each(|run| self.push(run.text, run.emphasis));
        self
    }

    /// Followed by text in italics.
    pub fn italic(mut self, text: impl Into<String>) -> Self {
        self.push(text.into(), Emphasis::Italic);
        self
    }

    /// Followed by text in bold.
    pub fn bold(mut self, text: impl Into<String>) -> Self {
        self.push(text.into(), Emphasis::Bold);
        self
    }

    fn push(&mut self, text: String, emphasis: Emphasis) {
        match self.runs.last_mut() {
            Some(last) if last.emphasis == emphasis => last.text += &text,
            _ if text.is_empty() => {}
            _ => self.runs.push(Run { text, emphasis }),
        }
    }

    /// Several texts with something between them.
    pub fn joined(texts: impl IntoIterator<Item = Text>, between: &str) -> Self {
        texts
            .into_iter()
            .filter(|t| !t.is_empty())
            .fold(Self::new(), |all, text| if all.is_empty() { text } else { all.then(between).then(text) })
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Text::from(text.to_string())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        let mut own = Text::new();
        own.push(text, Emphasis::Plain);
        own
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        Text::from(text.clone())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.runs.iter().try_for_each(|run| f.write_str(&run.text))
    }
}
