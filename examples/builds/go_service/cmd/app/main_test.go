package main

import (
	"net/http/httptest"
	"testing"
)

func TestAnswer(t *testing.T) {
	recorder := httptest.NewRecorder()
	answer(recorder, nil)
	if body := recorder.Body.String(); body != "version unknown\n" {
		t.Fatal(body)
	}
}
