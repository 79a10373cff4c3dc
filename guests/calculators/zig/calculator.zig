//! `example:calculator` in Zig. Numbers are passed as they are; only the names are the canonical ABI's.
fn add(a: i32, b: i32) callconv(.c) i32 {
    return a +% b;
}

fn multiply(a: i32, b: i32) callconv(.c) i32 {
    return a *% b;
}

comptime {
    @export(&add, .{ .name = "example:calculator/math#add" });
    @export(&multiply, .{ .name = "example:calculator/math#multiply" });
}
