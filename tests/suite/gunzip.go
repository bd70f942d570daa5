// Command gunzip writes what compress/gzip reads from a file to its output.
package main

import (
	"compress/gzip"
	"io"
	"log"
	"os"
)

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	reader, err := gzip.NewReader(file)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.Copy(os.Stdout, reader); err != nil {
		log.Fatal(err)
	}
}
