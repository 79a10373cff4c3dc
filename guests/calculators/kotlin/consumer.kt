// `example:consumer` in Kotlin.
@file:OptIn(kotlin.wasm.ExperimentalWasmInterop::class)

import kotlin.wasm.WasmExport
import kotlin.wasm.WasmImport

@WasmImport("example:calculator/math", "add")
private external fun add(a: Int, b: Int): Int

@WasmImport("example:calculator/math", "multiply")
private external fun multiply(a: Int, b: Int): Int

@WasmExport("example:consumer/demo#poly")
fun poly(x: Int, y: Int): Int = add(multiply(x, x), y)
