;; A hundred threads that give way to each other.
(component
  (core module $t (table (export "table") 1 funcref))
  (core instance $t (instantiate $t))
  (alias core export $t "table" (core table $table))
  (core type $start (func (param i32)))
  (core func $new (canon thread.new-indirect $start (core table $table)))
  (core func $later (canon thread.resume-later))
  (core func $yield (canon thread.yield))
  (core module $m
    (import "" "table" (table $table 1 funcref))
    (import "" "new" (func $new (param i32 i32) (result i32)))
    (import "" "later" (func $later (param i32)))
    (import "" "yield" (func $yield (result i32)))
    (elem (table $table) (i32.const 0) func $run)
    (global $left (mut i32) (i32.const 0))
    (func $run (param $n i32)
      (loop $again
        (drop (call $yield))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
      (global.set $left (i32.sub (global.get $left) (i32.const 1))))
    (func (export "yields") (param $n i32)
      (local $i i32)
      (global.set $left (i32.const 100))
      (local.set $i (i32.const 100))
      (loop $more
        (call $later (call $new (i32.const 0) (i32.div_u (local.get $n) (i32.const 100))))
        (local.set $i (i32.sub (local.get $i) (i32.const 1)))
        (br_if $more (local.get $i)))
      (loop $wait (drop (call $yield)) (br_if $wait (global.get $left)))))
  (core instance $i (instantiate $m (with "" (instance
    (export "table" (table $table)) (export "new" (func $new)) (export "later" (func $later)) (export "yield" (func $yield))))))
  (func (export "yields") async (param "n" u32) (canon lift (core func $i "yields"))))
