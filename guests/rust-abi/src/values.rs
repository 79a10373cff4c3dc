use crate::Abi;
use crate::exports::example::abi::values::{Color, Days, DivideError, Guest, Permissions, Person, Point, Shape};

/// Writes functions that give back what they get.
macro_rules! echo {
    ($($name:ident: $type:ty),* $(,)?) => {
        $(fn $name(value: $type) -> $type {
            value
        })*
    };
}

impl Guest for Abi {
    echo! {
        echo_bool: bool,
        echo_u8: u8,
        echo_s8: i8,
        echo_u16: u16,
        echo_s16: i16,
        echo_u32: u32,
        echo_s32: i32,
        echo_u64: u64,
        echo_s64: i64,
        echo_f32: f32,
        echo_f64: f64,
        echo_char: char,
        echo_string: String,
        echo_list_bool: Vec<bool>,
        echo_list_u8: Vec<u8>,
        echo_list_s16: Vec<i16>,
        echo_list_u32: Vec<u32>,
        echo_list_s64: Vec<i64>,
        echo_list_f32: Vec<f32>,
        echo_list_f64: Vec<f64>,
        echo_list_char: Vec<char>,
        echo_list_string: Vec<String>,
        echo_list_point: Vec<Point>,
        echo_list_person: Vec<Person>,
        echo_list_list: Vec<Vec<u8>>,
        echo_point: Point,
        echo_person: Person,
        echo_tuple: (u8, String, f64),
        echo_color: Color,
        echo_permissions: Permissions,
        echo_days: Days,
        echo_shape: Shape,
        echo_option: Option<u32>,
        echo_option_string: Option<String>,
        echo_option_option: Option<Option<u8>>,
        echo_result: Result<String, DivideError>,
    }

    fn echo_result_none(value: Result<(), ()>) -> (Result<(), ()>,) {
        (value,)
    }

    fn add(a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }

    fn sum(numbers: Vec<i32>) -> i64 {
        numbers.into_iter().map(i64::from).sum()
    }

    fn join(parts: Vec<String>, separator: String) -> String {
        parts.join(&separator)
    }

    fn area(shape: Shape) -> f64 {
        match shape {
            Shape::Circle(radius) => std::f64::consts::PI * radius * radius,
            Shape::Square(side) => f64::from(side) * f64::from(side),
            Shape::Polygon(points) => {
                let following = points.iter().cycle().skip(1);
                let doubled: i64 = points.iter().zip(following).map(|(a, b)| cross(a, b)).sum();
                doubled.abs() as f64 / 2.0
            }
            Shape::Empty | Shape::Label(_) | Shape::Placed(_) => 0.0,
        }
    }

    fn divide(a: i32, b: i32) -> Result<i32, DivideError> {
        if b == 0 { Err(DivideError::ByZero) } else { a.checked_div(b).ok_or(DivideError::Overflow) }
    }

    fn move_by(start: Point, by: Point) -> Point {
        Point { x: start.x.wrapping_add(by.x), y: start.y.wrapping_add(by.y) }
    }

    fn many(
        a: u8, b: i16, c: u32, d: i64, e: f32, f: f64, g: char, h: bool, i: String, j: Vec<u16>,
        k: Point, l: Option<u64>, m: Color,
    ) -> String {
        let numbers: Vec<String> = j.iter().map(u16::to_string).collect();
        let option = l.map_or("none".to_string(), |value| value.to_string());
        let color = ["red", "green", "blue"][m as usize];
        let (e, f) = (e as i64, f as i64);
        format!("{a} {b} {c} {d} {e} {f} {} {h} {i} {} {},{} {option} {color}", g as u32, numbers.join("+"), k.x, k.y)
    }

    fn fail(message: String) {
        panic!("{message}");
    }
}

fn cross(a: &Point, b: &Point) -> i64 {
    i64::from(a.x) * i64::from(b.y) - i64::from(b.x) * i64::from(a.y)
}
