;; Two components, a method of a resource across the seam: `loop(n)` calls `[method]counter.get` n times on one handle.
(component
  (component $callee
    (core module $m
      (func (export "new") (param i32) (result i32) (local.get 0))
      (func (export "get") (param i32) (result i32) (local.get 0)))
    (core instance $m (instantiate $m))
    (type $counter' (resource (rep i32)))
    (export $counter "counter" (type $counter'))
    (core func $new (canon resource.new $counter'))
    (core module $make
      (import "" "new" (func $new (param i32) (result i32)))
      (func (export "make") (param i32) (result i32) (call $new (local.get 0))))
    (core instance $make (instantiate $make (with "" (instance (export "new" (func $new))))))
    (func (export "[constructor]counter") (param "start" u32) (result (own $counter)) (canon lift (core func $make "make")))
    (func (export "[method]counter.get") (param "self" (borrow $counter)) (result u32) (canon lift (core func $m "get"))))
  (component $caller
    (import "callee" (instance $callee
      (export "counter" (type $counter (sub resource)))
      (export "[constructor]counter" (func (param "start" u32) (result (own $counter))))
      (export "[method]counter.get" (func (param "self" (borrow $counter)) (result u32)))))
    (core func $new (canon lower (func $callee "[constructor]counter")))
    (core func $get (canon lower (func $callee "[method]counter.get")))
    (core module $m
      (import "" "new" (func $new (param i32) (result i32)))
      (import "" "get" (func $get (param i32) (result i32)))
      (global $counter (mut i32) (i32.const 0))
      (func (export "loop") (param $n i32) (result i32)
        (local $acc i32)
        (if (i32.eqz (global.get $counter)) (then (global.set $counter (call $new (i32.const 3)))))
        (loop $l
          (local.set $acc (i32.add (local.get $acc) (call $get (global.get $counter))))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $l (local.get $n)))
        (local.get $acc)))
    (core instance $i (instantiate $m (with "" (instance (export "new" (func $new)) (export "get" (func $get))))))
    (func (export "loop") (param "n" u32) (result u32) (canon lift (core func $i "loop"))))
  (instance $a (instantiate $callee))
  (instance $b (instantiate $caller (with "callee" (instance $a))))
  (export "loop" (func $b "loop")))
