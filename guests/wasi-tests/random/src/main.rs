//! Every function of `wasi:random` at 0.2.4.

#[path = "../../check.rs"]
mod check;

use std::collections::HashSet;

use check::check_value;
use wasip2::random::{insecure, insecure_seed, random};

fn spread(name: &str, bytes: Vec<u8>) {
    check_value(&format!("{name}, how many"), bytes.len());
    // Of 64 KiB every byte value is seen: that one is missing has a chance of 1 in 10^108.
    check_value(&format!("{name}, byte values"), bytes.iter().collect::<HashSet<_>>().len());
}

fn main() {
    for length in [0, 1, 31, 32] {
        check_value(&format!("get-random-bytes({length})"), random::get_random_bytes(length).len());
        check_value(&format!("get-insecure-random-bytes({length})"), insecure::get_insecure_random_bytes(length).len());
    }
    spread("get-random-bytes(65536)", random::get_random_bytes(65_536));
    spread("get-insecure-random-bytes(65536)", insecure::get_insecure_random_bytes(65_536));
    check_value("get-random-bytes, 1 MiB", random::get_random_bytes(1 << 20).len());
    check_value("get-random-bytes, differ", random::get_random_bytes(16) != random::get_random_bytes(16));
    check_value("get-insecure-random-bytes, differ", insecure::get_insecure_random_bytes(16) != insecure::get_insecure_random_bytes(16));
    let secure: HashSet<u64> = (0..1000).map(|_| random::get_random_u64()).collect();
    check_value("get-random-u64, different ones of 1000", secure.len());
    let insecure: HashSet<u64> = (0..1000).map(|_| insecure::get_insecure_random_u64()).collect();
    check_value("get-insecure-random-u64, different ones of 1000", insecure.len());
    check_value("insecure-seed, not zero", insecure_seed::insecure_seed() != (0, 0));
    check_value("insecure-seed, the same again", insecure_seed::insecure_seed() == insecure_seed::insecure_seed());
}
