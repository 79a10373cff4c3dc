;; Two components, a record of eight fields across the seam: `loop(n)` passes it n times.
(component
  (component $callee
    (core module $m
      (func (export "take") (param i32 i64 f64 i32 i32 i32 i32 f32) (result i32)
        (i32.add (local.get 0) (i32.add (local.get 3) (local.get 4)))))
    (core instance $i (instantiate $m))
    (type $r' (record (field "a" u32) (field "b" u64) (field "c" f64) (field "d" bool) (field "e" u8) (field "f" char) (field "g" s16) (field "h" f32)))
    (export $r "r" (type $r'))
    (func (export "take") (param "r" $r) (result u32) (canon lift (core func $i "take"))))
  (component $caller
    (import "callee" (instance $callee
      (type $r' (record (field "a" u32) (field "b" u64) (field "c" f64) (field "d" bool) (field "e" u8) (field "f" char) (field "g" s16) (field "h" f32)))
      (export "r" (type $r (eq $r')))
      (export "take" (func (param "r" $r) (result u32)))))
    (core func $take (canon lower (func $callee "take")))
    (core module $m
      (import "" "take" (func $take (param i32 i64 f64 i32 i32 i32 i32 f32) (result i32)))
      (func (export "loop") (param $n i32) (result i32)
        (local $acc i32)
        (loop $l
          (local.set $acc (i32.add (local.get $acc)
            (call $take (local.get $n) (i64.const 5) (f64.const 1.5) (i32.const 1) (i32.const 7) (i32.const 0x1F600) (i32.const -3) (f32.const 2.5))))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $l (local.get $n)))
        (local.get $acc)))
    (core instance $i (instantiate $m (with "" (instance (export "take" (func $take))))))
    (func (export "loop") (param "n" u32) (result u32) (canon lift (core func $i "loop"))))
  (instance $a (instantiate $callee))
  (instance $b (instantiate $caller (with "callee" (instance $a))))
  (export "loop" (func $b "loop")))
