"""Wasmtime as a contender. Reads one JSON request a line, answers one JSON line each.

{"op": "open", "id": 1, "path": "x.wasm"}            instantiates a component
{"op": "loop", "id": 1, "func": "loop", "args": []}  calls an export once, answers its time in nanoseconds
{"op": "compile", "path": "x.wasm"}                  compiles a component, answers nanoseconds
"""
import json
import sys
import time

from wasmtime import Config, Engine, Store, WasiConfig
from wasmtime.component import Component, Linker

engine = Engine()
instances = {}


def answer(request):
    op = request["op"]
    if op == "compile":
        with open(request["path"], "rb") as file:
            data = file.read()
        before = time.perf_counter_ns()
        Component(Engine(Config()), data)
        return {"ns": time.perf_counter_ns() - before}
    if op == "open":
        component = Component.from_file(engine, request["path"])
        store = Store(engine)
        linker = Linker(engine)
        linker.add_wasip2()
        store.set_wasi(WasiConfig())
        instances[request["id"]] = (store, linker.instantiate(store, component), {})
        return {}
    if op == "loop":
        store, instance, funcs = instances[request["id"]]
        name = request["func"]
        if name not in funcs:
            funcs[name] = instance.get_func(store, name)
        func = funcs[name]
        args = request["args"]
        before = time.perf_counter_ns()
        func(store, *args)
        after = time.perf_counter_ns()
        if hasattr(func, "post_return"):
            func.post_return(store)
        return {"ns": after - before}
    raise ValueError(op)


for line in sys.stdin:
    try:
        reply = answer(json.loads(line))
    except Exception as error:  # the reader decides what a failure means
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
