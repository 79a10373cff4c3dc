//! `example:consumer` in Zig.
const math = struct {
    extern "example:calculator/math" fn add(a: i32, b: i32) i32;
    extern "example:calculator/math" fn multiply(a: i32, b: i32) i32;
};

fn poly(x: i32, y: i32) callconv(.c) i32 {
    return math.add(math.multiply(x, x), y);
}

comptime {
    @export(&poly, .{ .name = "example:consumer/demo#poly" });
}
