//! What came of everything that was tried.

use std::collections::{BTreeMap, BTreeSet};

use wasip2::filesystem::types::ErrorCode;

#[derive(Default)]
pub struct Tally {
    outcomes: BTreeMap<String, BTreeMap<String, u32>>,
    escapes: BTreeSet<String>,
}

impl Tally {
    pub fn count(&mut self, kind: &str, outcome: &str) {
        let outcomes = self.outcomes.entry(kind.to_string()).or_default();
        *outcomes.entry(outcome.to_string()).or_default() += 1;
    }

    /// Counts an outcome, and hands on what was gained.
    pub fn note<T>(&mut self, kind: &str, result: Result<T, ErrorCode>) -> Option<T> {
        match result {
            Ok(value) => {
                self.count(kind, "done");
                Some(value)
            }
            Err(error) => {
                self.count(kind, error.name());
                None
            }
        }
    }

    pub fn escape(&mut self, what: String) {
        self.escapes.insert(what);
    }

    pub fn escaped(&self) -> bool {
        !self.escapes.is_empty()
    }

    pub fn json(&self, round: u32) -> String {
        let counts = |counts: &BTreeMap<String, u32>| object(counts.iter().map(|(name, count)| (name.as_str(), count.to_string())));
        let outcomes = object(self.outcomes.iter().map(|(kind, outcomes)| (kind.as_str(), counts(outcomes))));
        let escapes = self.escapes.iter().map(|escape| text(escape)).collect::<Vec<_>>().join(",");
        format!("{{\"round\":{round},\"outcomes\":{outcomes},\"escapes\":[{escapes}]}}")
    }
}

fn object<'a>(members: impl Iterator<Item = (&'a str, String)>) -> String {
    format!("{{{}}}", members.map(|(name, value)| format!("{}:{value}", text(name))).collect::<Vec<_>>().join(","))
}

fn text(value: &str) -> String {
    let escaped = value.chars().map(|character| match character {
        '"' | '\\' => format!("\\{character}"),
        character if character.is_control() => format!("\\u{:04x}", character as u32),
        character => character.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}
