// A web service that answers with its version.
package main

import (
	"fmt"
	"net/http"
)

var version = "unknown"

func answer(writer http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(writer, "version %s\n", version)
}

func main() {
	http.HandleFunc("/", answer)
	if err := http.ListenAndServe(":8080", nil); err != nil {
		panic(err)
	}
}
