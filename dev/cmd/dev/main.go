// Command dev runs the example on this machine: see package cli.
package main

func main() {}
