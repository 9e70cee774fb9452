// Package config holds the manifests of the operator, for programs that install it: see config/default for what a cluster
// is given, and the package crd for the CustomResourceDefinition alone.
package config

import "embed"

// Access has the operator's namespace, its accounts and what they may do, and the flow control of its requests.
//
//go:embed default/namespace.yaml rbac/*.yaml flowcontrol/*.yaml
var Access embed.FS
