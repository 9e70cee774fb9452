// Package sarif validates what "kubectl segmentation audit -o sarif" prints against the JSON schema of SARIF 2.1.0 with its
// errata 01, by OASIS. The schema comes with go-sarif, which keeps it to itself: it is read from the source of that module.
package sarif
