;; Two components, bytes across the seam: `loop(n, size)` passes a string, `bloop(n, size)` a list<u8>, of `size` bytes, n times.

(component
  (component $callee
    (core module $m
      (memory (export "memory") 40)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
      (func (export "len") (param i32 i32) (result i32) (local.get 1)))
    (core instance $i (instantiate $m))
    (func (export "len") (param "s" string) (result u32)
      (canon lift (core func $i "len") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
    (func (export "blen") (param "s" (list u8)) (result u32)
      (canon lift (core func $i "len") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))
  (component $caller
    (import "len" (func $len (param "s" string) (result u32)))
    (import "blen" (func $blen (param "s" (list u8)) (result u32)))
    (core module $libc
      (memory (export "memory") 40))
    (core instance $libc (instantiate $libc))
    (core func $len' (canon lower (func $len) (memory (core memory $libc "memory"))))
    (core func $blen' (canon lower (func $blen) (memory (core memory $libc "memory"))))
    (core module $m
      (import "" "memory" (memory 1))
      (import "" "len" (func $len (param i32 i32) (result i32)))
      (import "" "blen" (func $blen (param i32 i32) (result i32)))
      (func $fill (memory.fill (i32.const 0) (i32.const 97) (i32.const 2000000)))
      (start $fill)
      (func (export "loop") (param $n i32) (param $size i32) (result i32)
        (local $acc i32)
        (loop $l
          (local.set $acc (i32.add (local.get $acc) (call $len (i32.const 16) (local.get $size))))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $l (local.get $n)))
        (local.get $acc))
      (func (export "bloop") (param $n i32) (param $size i32) (result i32)
        (local $acc i32)
        (loop $l
          (local.set $acc (i32.add (local.get $acc) (call $blen (i32.const 16) (local.get $size))))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $l (local.get $n)))
        (local.get $acc)))
    (core instance $i (instantiate $m (with "" (instance (export "memory" (memory $libc "memory")) (export "len" (func $len')) (export "blen" (func $blen'))))))
    (func (export "loop") (param "n" u32) (param "size" u32) (result u32) (canon lift (core func $i "loop")))
    (func (export "bloop") (param "n" u32) (param "size" u32) (result u32) (canon lift (core func $i "bloop"))))
  (instance $a (instantiate $callee))
  (instance $b (instantiate $caller (with "len" (func $a "len")) (with "blen" (func $a "blen"))))
  (export "loop" (func $b "loop"))
  (export "bloop" (func $b "bloop")))
