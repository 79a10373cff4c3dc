// `example:calculator` in Go. The core exports have the names that the canonical ABI gives them.
package main

//go:wasmexport example:calculator/math#add
func add(a, b int32) int32 { return a + b }

//go:wasmexport example:calculator/math#multiply
func multiply(a, b int32) int32 { return a * b }

func main() {}
