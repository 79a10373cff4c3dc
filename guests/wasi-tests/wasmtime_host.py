"""Runs one command on Wasmtime: a JSON request on standard input, the guest's exit code, and 3 for a trap."""
import json
import sys

from wasmtime import Engine, Store, WasiConfig, WasmtimeError, ExitTrap
from wasmtime import _bindings
from wasmtime.component import Component, Linker

request = json.load(sys.stdin)
config = WasiConfig()
config.argv = request["args"]
config.env = request["env"]
config.stdin_file = request["input"]
config.stdout_file = request["output"]
config.inherit_stderr()
for host, guest, writable in request["dirs"]:
    config.preopen_dir(host, guest, writable)
if request["network"]:
    # The C interface knows this, the wheel has no method for it yet.
    _bindings.wasi_config_inherit_network(config.ptr())
    _bindings.wasi_config_allow_ip_name_lookup(config.ptr(), True)

engine = Engine()
store = Store(engine)
store.set_wasi(config)
linker = Linker(engine)
linker.add_wasip2()
if request["http"]:
    store.set_wasi_http()
    # Both bring wasi:io and the like; each is the same.
    linker.allow_shadowing = True
    linker.add_wasi_http()
instance = linker.instantiate(store, Component.from_file(engine, request["component"]))
interface = next(
    index
    for index in (instance.get_export_index(store, f"wasi:cli/run@0.2.{patch}") for patch in range(13))
    if index is not None
)
run = instance.get_func(store, instance.get_export_index(store, "run", interface))
try:
    result = run(store)
except (WasmtimeError, ExitTrap) as error:
    code = getattr(error, "code", None)
    if code is None:
        print(error, file=sys.stderr)
        sys.exit(3)
    sys.exit(code)
sys.exit(0 if result is None or getattr(result, "tag", "ok") == "ok" else 1)
