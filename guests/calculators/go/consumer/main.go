// `example:consumer` in Go.
package main

//go:wasmimport example:calculator/math add
func add(a, b int32) int32

//go:wasmimport example:calculator/math multiply
func multiply(a, b int32) int32

//go:wasmexport example:consumer/demo#poly
func poly(x, y int32) int32 { return add(multiply(x, x), y) }

func main() {}
