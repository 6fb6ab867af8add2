package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
)

// listen serves until the standard input ends, so that no server outlives the measurement. It prints its address.
func listen(address string) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	go http.Serve(listener, nil)
	os.Stdin.Read(make([]byte, 1))
}
