;; As composed-scalar, with a callee that could throw: an exception has to be kept from the caller.

(component
  (component $calc
  (core module $m
    (tag $error)
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "multiply") (param i32 i32) (result i32) (i32.mul (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m))
  (func $add (param "a" s32) (param "b" s32) (result s32) (canon lift (core func $i "add")))
  (func $mul (param "a" s32) (param "b" s32) (result s32) (canon lift (core func $i "multiply")))
  (instance $math (export "add" (func $add)) (export "multiply" (func $mul)))
  (export "example:calculator/math" (instance $math))
  )
  (component $app
  (import "example:calculator/math" (instance $math
     (export "add" (func (param "a" s32) (param "b" s32) (result s32)))
     (export "multiply" (func (param "a" s32) (param "b" s32) (result s32)))))
  (core module $m
    (import "math" "add" (func $add (param i32 i32) (result i32)))
    (func (export "loop") (param i32) (result i32)
      (local $acc i32)
      (loop $l
        (local.set $acc (call $add (local.get $acc) (local.get 0)))
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (br_if $l (local.get 0)))
      (local.get $acc)))
  (core func $add (canon lower (func $math "add")))
  (core instance $i (instantiate $m (with "math" (instance (export "add" (func $add))))))
  (func (export "loop") (param "n" u32) (result s32) (canon lift (core func $i "loop")))
  )
  (instance $c (instantiate $calc))
  (instance $a (instantiate $app (with "example:calculator/math" (instance $c "example:calculator/math"))))
  (export "loop" (func $a "loop"))
)
