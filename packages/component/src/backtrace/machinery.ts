/** Functions that a language's runtime goes through on its way from the place of a failure to the trap. */

interface Machinery {
  /** For the line that stands for these frames. */
  readonly what: string;
  readonly frame: RegExp;
  /** One of them has to be there, so that a program's own call of `abort` is not taken for it. */
  readonly sign: RegExp;
}

const MACHINERIES: readonly Machinery[] = [
  {
    what: "Rust's panic machinery",
    frame:
      /^(?:abort$|_*rust_(?:panic|begin_unwind|oom|abort|alloc_error_handler|start_panic)\w*$|__rustc::|__r\w+_oom$|panic_(?:abort|unwind)::|<?std::(?:panicking|process::abort|sys::.*(?:abort_internal|__rust_end_short_backtrace)|alloc::|rt::|thread::local::panic)|<?core::(?:panicking|option::(?:unwrap|expect)_failed|result::unwrap_failed|slice::(?:index::|\w+_fail|copy_from_slice)|str::(?:slice_error_fail|traits::str_index)|cell::panic|num::.*overflow)|<?alloc::(?:alloc::(?:handle_alloc_error|rust_oom)|raw_vec::(?:handle_error|capacity_overflow)|vec::.*assert_failed))/,
    sign: /::panick|rust_begin_unwind|_failed|handle_alloc_error|handle_error|rust_oom|rust_panic/,
  },
  {
    what: "C++'s way of ending",
    frame:
      /^(?:abort|_?_?abort_message|raise|_Exit|_exit|exit|std::(?:terminate|__terminate|unexpected|__throw_\w+|__\d+::__throw_\w+|get_terminate)|__cxxabiv1::|__cxa_\w+|_Unwind_\w+|__clang_call_terminate|demangling_terminate_handler|demangling_unexpected_handler|__assert_fail|__stack_chk_fail|operator new)/,
    sign: /terminate|__cxa_|_Unwind_|__assert_fail|abort_message|__stack_chk_fail|__throw_/,
  },
  {
    what: "Go's panic machinery",
    frame:
      /^(?:abort|runtime\.(?:_panic|panic\w*|runtimePanic\w*|gopanic|fatal\w*|throw|abort|dopanic\w*|nilPanic|lookupPanic|slicePanic|divideByZeroPanic|exit|trap))/,
    sign: /^runtime\..*[pP]anic|^runtime\.throw/,
  },
  {
    what: "C's way of ending",
    frame: /^(?:abort|raise|__assert_fail|__assert|_Exit|_exit|exit|undefined_weak:.*)$/,
    sign: /^__assert/,
  },
];

/** How many of the innermost functions are a runtime's, and whose. */
export function machineryOf(names: readonly string[]): { readonly count: number; readonly what: string } {
  let best = { count: 0, what: '' };
  for (const { what, frame, sign } of MACHINERIES) {
    let count = 0;
    while (count < names.length && frame.test(names[count] ?? '')) count++;
    // A program that is nothing else has no frame of its own to show.
    if (count === names.length || count <= best.count || !names.slice(0, count).some((name) => sign.test(name))) continue;
    best = { count, what };
  }
  return best;
}
