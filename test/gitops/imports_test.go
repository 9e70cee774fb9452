package gitops

import (
	_ "github.com/argoproj/argo-cd/v3/util/lua"
	_ "github.com/argoproj/gitops-engine/pkg/engine"
)
