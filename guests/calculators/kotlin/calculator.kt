// `example:calculator` in Kotlin.
@file:OptIn(kotlin.wasm.ExperimentalWasmInterop::class)

import kotlin.wasm.WasmExport

@WasmExport("example:calculator/math#add")
fun add(a: Int, b: Int): Int = a + b

@WasmExport("example:calculator/math#multiply")
fun multiply(a: Int, b: Int): Int = a * b
