"""The parser: lines, words, here-documents and parser directives."""
