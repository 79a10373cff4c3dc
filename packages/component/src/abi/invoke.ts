/** Calls with a number of arguments that is only known when the function is prepared, without spreading the usual few. */

// biome-ignore lint/complexity/noBannedTypes: functions of any signature
export function invoke(func: Function, args: readonly unknown[]): unknown {
  switch (args.length) {
    case 0:
      return func();
    case 1:
      return func(args[0]);
    case 2:
      return func(args[0], args[1]);
    case 3:
      return func(args[0], args[1], args[2]);
    case 4:
      return func(args[0], args[1], args[2], args[3]);
    case 5:
      return func(args[0], args[1], args[2], args[3], args[4]);
    case 6:
      return func(args[0], args[1], args[2], args[3], args[4], args[5]);
    default:
      return func(...args);
  }
}
