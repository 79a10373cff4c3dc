//! `example:abi` in Rust: every kind of value and resource, in and out.

wit_bindgen::generate!({ path: "wit", world: "abi" });

mod resources;
mod values;

struct Abi;

export!(Abi);
