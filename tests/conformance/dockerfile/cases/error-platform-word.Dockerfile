FROM --platform=plan9x alpine
