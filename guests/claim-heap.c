// Older releases of wasi-libc take everything up to the end of memory for their heap when they are first asked for some. By then the
// preview 1 adapter may have grown memory for itself, and both would write to the same page. So the heap is claimed before anything else.
#include <stdlib.h>

__attribute__((constructor(1))) static void claim_heap(void) {
  // Not for nothing, though it looks so to an optimizer.
  void *volatile first = malloc(1);
  free(first);
}
