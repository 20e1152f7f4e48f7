module pyllb.invalid/conformance/templates

go 1.26
