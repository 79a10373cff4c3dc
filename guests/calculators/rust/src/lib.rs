//! `example:consumer` in Rust.

wit_bindgen::generate!({
    path: ["../../rust-calculator/wit", "../wit"],
    world: "example:consumer/consumer",
    generate_all,
});

use example::calculator::math;
use exports::example::consumer::demo::Guest;

struct Consumer;

impl Guest for Consumer {
    fn poly(x: i32, y: i32) -> i32 {
        math::add(math::multiply(x, x), y)
    }
}

export!(Consumer);
