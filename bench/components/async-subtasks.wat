;; Many subtasks under way in one instance: whenever one returns, another is begun.
(component
  (import "wait" (func $wait async))
  (core func $wait (canon lower (func $wait) async))
  (core func $set-new (canon waitable-set.new))
  (core func $join (canon waitable.join))
  (core func $drop (canon subtask.drop))
  (core module $m
    (import "" "wait" (func $wait (result i32)))
    (import "" "set-new" (func $set-new (result i32)))
    (import "" "join" (func $join (param i32 i32)))
    (import "" "drop" (func $drop (param i32)))
    (global $set (mut i32) (i32.const 0))
    (func $one (call $join (i32.shr_u (call $wait) (i32.const 4)) (global.get $set)))
    (func (export "run") (param $n i32) (result i32)
      (global.set $set (call $set-new))
      (loop $more
        (call $one)
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br_if $more (local.get $n)))
      (i32.or (i32.const 2 (; WAIT ;)) (i32.shl (global.get $set) (i32.const 4))))
    (func (export "callback") (param $event i32) (param $index i32) (param $payload i32) (result i32)
      (call $drop (local.get $index))
      (call $one)
      (i32.or (i32.const 2 (; WAIT ;)) (i32.shl (global.get $set) (i32.const 4)))))
  (core instance $i (instantiate $m (with "" (instance
    (export "wait" (func $wait)) (export "set-new" (func $set-new)) (export "join" (func $join)) (export "drop" (func $drop))))))
  (func (export "run") async (param "n" u32) (canon lift (core func $i "run") async (callback (core func $i "callback")))))
