//! The smallest program that uses `std`.

fn main() {
    println!("Hello from Rust!");
}
