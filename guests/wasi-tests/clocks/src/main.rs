//! Every function of `wasi:clocks` at 0.2.4.

#[path = "../../check.rs"]
mod check;

use check::{check, check_value};
use wasip2::clocks::{monotonic_clock, wall_clock};
use wasip2::io::poll::poll;

const MILLISECOND: u64 = 1_000_000;

fn main() {
    let first = monotonic_clock::now();
    let second = monotonic_clock::now();
    check_value("monotonic-clock.now, never back", second >= first);
    check_value("monotonic-clock.resolution", monotonic_clock::resolution() > 0);

    let waits: [(&str, u64, Box<dyn Fn() -> wasip2::io::poll::Pollable>); 4] = [
        ("subscribe-duration", 5 * MILLISECOND, Box::new(|| monotonic_clock::subscribe_duration(5 * MILLISECOND))),
        (
            "subscribe-instant",
            5 * MILLISECOND,
            Box::new(|| monotonic_clock::subscribe_instant(monotonic_clock::now() + 5 * MILLISECOND)),
        ),
        ("subscribe-duration, none", 0, Box::new(|| monotonic_clock::subscribe_duration(0))),
        ("subscribe-instant, past", 0, Box::new(|| monotonic_clock::subscribe_instant(0))),
    ];
    for (name, length, make) in waits {
        let start = monotonic_clock::now();
        let pollable = make();
        pollable.block();
        check_value(&format!("{name}, not early"), monotonic_clock::now() - start >= length);
        check_value(&format!("{name}, ready"), pollable.ready());
        check_value(&format!("{name}, ready again"), pollable.ready());
    }
    let never = monotonic_clock::subscribe_duration(u64::MAX);
    check_value("subscribe-duration, longest", never.ready());
    let far = monotonic_clock::subscribe_instant(u64::MAX);
    check_value("subscribe-instant, farthest", far.ready());

    let start = monotonic_clock::now();
    let late = monotonic_clock::subscribe_duration(800 * MILLISECOND);
    let soon = monotonic_clock::subscribe_duration(20 * MILLISECOND);
    check_value("poll, 800 ms and 20 ms", poll(&[&late, &soon]));
    let waited = monotonic_clock::now() - start;
    check_value("poll, woke after 20 ms", waited >= 20 * MILLISECOND && waited < 800 * MILLISECOND);
    check_value("poll, the one that has fired", poll(&[&never, &soon, &far, &soon]));

    let wall = wall_clock::now();
    check_value("wall-clock.now, this century", wall.seconds > 1_700_000_000 && wall.seconds < 4_102_444_800);
    check_value("wall-clock.now, nanoseconds below a second", wall.nanoseconds < 1_000_000_000);
    let resolution = wall_clock::resolution();
    check_value("wall-clock.resolution", resolution.seconds == 0 && resolution.nanoseconds > 0);
    check("end", "reached");
}
