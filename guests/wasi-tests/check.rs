//! One line for each check: its name and what was observed.

use std::fmt::Debug;

#[allow(dead_code)]
pub fn check(name: &str, observed: impl AsRef<str>) {
    println!("{name}: {}", observed.as_ref());
}

/// For observations that are plain values.
#[allow(dead_code)]
pub fn check_value(name: &str, observed: impl Debug) {
    println!("{name}: {observed:?}");
}
