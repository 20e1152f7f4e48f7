FROM --platform=plan9x/a b
