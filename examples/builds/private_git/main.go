// Greet with a module of the company.
package main

import (
	"fmt"

	"github.com/acme/greetings"
)

func main() {
	fmt.Println(greetings.Hello("world"))
}
