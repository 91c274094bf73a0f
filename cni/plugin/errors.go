package main

import (
	"encoding/json"
	"errors"
	"slices"
)

// Error codes of the CNI specification.
const (
	codeIncompatibleVersion = 1
	codeInvalidEnvironment  = 4
	codeReadFailed          = 5
	codeDecodeFailed        = 6
	codeInvalidConfig       = 7
	codeTryAgain            = 11
)

// cniError is the error document that a plugin prints.
type cniError struct {
	CniVersion string `json:"cniVersion"`
	Code       uint   `json:"code"`
	Msg        string `json:"msg"`
	Details    string `json:"details,omitempty"`
}

func (e *cniError) Error() string { return e.Msg }

func fail(code uint, msg, details string) error {
	return &cniError{Code: code, Msg: msg, Details: details}
}

// errorDocument writes any error as the specification wants it, in the caller's version where that is known.
func errorDocument(err error, config *configuration) []byte {
	document := &cniError{}
	if !errors.As(err, &document) {
		document = &cniError{Code: codeTryAgain, Msg: err.Error()}
	}
	document.CniVersion = supportedVersions[len(supportedVersions)-1]
	if slices.Contains(supportedVersions, config.CniVersion) {
		document.CniVersion = config.CniVersion
	}
	text, _ := json.Marshal(document)
	return text
}
