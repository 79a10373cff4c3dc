// The job that ships. A component without a toolchain of its own: the names are those of the canonical ABI, and numbers need no memory.

__attribute__((import_module("shop:api/orders"), import_name("ship"))) unsigned ship(void);

__attribute__((export_name("wasi:cli/run@0.2.12#run"))) int run(void) {
  ship();
  return 0;
}
