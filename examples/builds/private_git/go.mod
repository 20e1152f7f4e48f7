module example.com/hello

go 1.24

require github.com/acme/greetings v0.0.0

// The build puts the private repository here.
replace github.com/acme/greetings => ./greetings
