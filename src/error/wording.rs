//! What messages say, in the words of the interface that is in use.

use super::Setting;
use std::fmt;
use std::ops::Deref;

/// How somebody uses the crate, and so what its settings are called where that person looks for them.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interface {
    /// Rust: settings are methods.
    #[default]
    Library,
    /// The program `trialstats`: settings are options such as `--visits`.
    CommandLine,
    /// A plan file: settings are keys such as `layout.visits`.
    Plan,
}

/// A text that may name settings of the crate, each by what the interface in use calls it.
///
/// It reads as a `str` in Rust's words. [`Error::worded_for`](super::Error::worded_for) puts it into those of another
/// interface.
///
/// ```
/// use trialstats::Layout;
/// use trialstats::error::Interface;
///
/// let file = "id,visit,score\nA,1,12\nA,2,a lot\n";
/// let error = Layout::long_one_arm("id", "visit").outcome("score").read_csv_from("example", file.as_bytes()).unwrap_err();
/// assert!(error.to_string().contains("`Layout::missing_code`"));
/// assert!(error.worded_for(Interface::CommandLine).to_string().contains("`--missing`"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// The parts in the words of an interface.
    text: String,
    /// Apart, so that results which may be errors stay small.
    made: Box<Made>,
}

/// What a message is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Made {
    parts: Vec<Part>,
    /// What all messages of this cause share, whatever is filled in; none where nothing is known of the cause.
    cause: Option<&'static str>,
    /// Whether what is filled in is worth a problem of its own.
    each: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Setting(Setting),
}

impl Message {
    /// A text with what is filled in; `cause` is the text without.
    pub(crate) fn of_cause(cause: &'static str, text: String) -> Self {
        let mut message = Self::from(text);
        message.made.cause = Some(cause);
        message
    }

    /// Goes on with a text.
    pub(crate) fn then(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        self.text.push_str(&text);
        self.made.parts.push(Part::Text(text));
        self
    }

    /// Goes on with the name of a setting.
    pub(crate) fn setting(mut self, setting: Setting) -> Self {
        self.text.push_str(setting.named(Interface::default()));
        self.made.parts.push(Part::Setting(setting));
        self
    }

    /// Says that what is filled in, such as a misspelt label, tells problems of one cause apart.
    pub(crate) fn each(mut self) -> Self {
        self.made.each = true;
        self
    }

    /// Whether what is filled in tells problems of one cause apart.
    pub(crate) fn is_each(&self) -> bool {
        self.made.each
    }

    /// What all messages of this cause share.
    pub(crate) fn cause(&self) -> Option<&'static str> {
        self.made.cause
    }

    /// The text in the words of an interface.
    pub(crate) fn worded_for(mut self, interface: Interface) -> Self {
        self.text = self
            .made
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Setting(setting) => setting.named(interface),
            })
            .collect();
        self
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        let made = Made { parts: vec![Part::Text(text.clone())], ..Made::default() };
        Self { text, made: Box::new(made) }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        text.to_string().into()
    }
}

impl From<Setting> for Message {
    fn from(setting: Setting) -> Self {
        Self::default().setting(setting)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// The text, to be read wherever text is.
impl Deref for Message {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl PartialEq<&str> for Message {
    fn eq(&self, text: &&str) -> bool {
        self.text == *text
    }
}

impl serde::Serialize for Message {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// A [`Message`] as `format!` makes text; what it has in common with others of its cause is the text before anything
/// is filled in.
macro_rules! says {
    ($text:literal $($filled:tt)*) => { $crate::error::Message::of_cause($text, format!($text $($filled)*)) };
}
pub(crate) use says;

/// What is cited from a file, as a message can show it: not longer than a reader takes in, and without characters that
/// a terminal would obey or that look like nothing.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut characters = text.chars();
    let mut shown = escaped(&characters.by_ref().take(LONGEST).collect::<String>());
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// `text` with control characters, and those that turn the direction of writing, as `\n` and `\u{202e}`.
pub(crate) fn escaped(text: &str) -> String {
    let hidden =
        |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    if !text.chars().any(hidden) {
        return text.to_string();
    }
    text.chars().flat_map(|c| if hidden(c) { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_settings_as_the_interface_does() {
        let message = says!("`{}` is none of them; declare it with ", "VIS9").setting(Setting::Visits).then(" or correct it");
        assert_eq!(message, "`VIS9` is none of them; declare it with `Layout::visits` or correct it");
        let spoken = message.worded_for(Interface::CommandLine);
        assert_eq!(spoken, "`VIS9` is none of them; declare it with `--visits` or correct it");
        assert_eq!(spoken.cause(), Some("`{}` is none of them; declare it with "));
    }

    #[test]
    fn what_is_cited_is_short_and_harmless() {
        assert_eq!(shown("VIS1"), "VIS1");
        assert_eq!(shown("a\nb\u{1b}[31m\u{202e}é"), "a\\nb\\u{1b}[31m\\u{202e}é");
        assert_eq!(shown(&"x".repeat(500)).chars().count(), 61);
    }
}
