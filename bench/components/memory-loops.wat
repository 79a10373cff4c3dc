;; Loops whose every step reads or writes memory: where bounds checks cost most.
(module
  (memory 17)
  (func (export "sum") (param $n i32) (result i32) (local $at i32) (local $acc i32)
    (loop $again
      (local.set $at (i32.const 0))
      (loop $l
        (local.set $acc (i32.add (local.get $acc) (i32.load (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br_if $l (i32.lt_u (local.get $at) (i32.const 65536))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (local.get $n)))
    (local.get $acc))
  (func (export "store") (param $n i32) (result i32) (local $at i32)
    (loop $again
      (local.set $at (i32.const 0))
      (loop $l
        (i32.store8 (local.get $at) (local.get $n))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $l (i32.lt_u (local.get $at) (i32.const 16384))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (local.get $n)))
    (local.get $at))
  ;; Follows a chain of addresses: each load waits for the one before.
  (func (export "chase") (param $n i32) (result i32) (local $at i32) (local $left i32)
    (loop $fill
      (i32.store (local.get $at) (i32.and (i32.add (local.get $at) (i32.const 4100)) (i32.const 0xfffc)))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $fill (i32.lt_u (local.get $at) (i32.const 65536))))
    (loop $again
      (local.set $left (i32.const 16384))
      (loop $l
        (local.set $at (i32.load (local.get $at)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $l (local.get $left)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (local.get $n)))
    (local.get $at))
  (func (export "copy") (param $n i32) (result i32)
    (loop $again
      (memory.copy (i32.const 0) (i32.const 65536) (i32.const 16384))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (local.get $n)))
    (i32.const 0)))
