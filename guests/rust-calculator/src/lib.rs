//! `example:calculator` in Rust: it imports nothing at all.

wit_bindgen::generate!({ path: "wit", world: "calculator" });

use exports::example::calculator::math::Guest;

struct Calculator;

impl Guest for Calculator {
    fn add(a: i32, b: i32) -> i32 {
        a.wrapping_add(b)
    }

    fn multiply(a: i32, b: i32) -> i32 {
        a.wrapping_mul(b)
    }
}

export!(Calculator);
