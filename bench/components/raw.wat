;; The floor: what bare V8 does, as core modules.
(module
  (import "" "scalar" (func $scalar (param i32 i32) (result i32)))
  (import "" "ready" (func $ready (param i32) (result i32)))
  (memory (export "source") 40)
  (memory $target (export "target") 40)
  (data (i32.const 16) "hello world")
  (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1048576))
  (func (export "text-in") (param i32 i32) (result i32) (local.get 1))
  (func (export "text-out") (result i32)
    (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 11)) (i32.const 0))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "copy") (param $n i32) (param $size i32)
    (loop $l
      (memory.copy $target 0 (i32.const 1024) (i32.const 16) (local.get $size))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $l (local.get $n))))
  (func (export "loop-scalar") (param $n i32) (result i32) (local $acc i32)
    (loop $l
      (local.set $acc (call $scalar (local.get $acc) (local.get $n)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $l (local.get $n)))
    (local.get $acc))
  (func (export "loop-ready") (param $n i32) (result i32) (local $acc i32)
    (loop $l
      (local.set $acc (call $ready (local.get $n)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $l (local.get $n)))
    (local.get $acc)))
