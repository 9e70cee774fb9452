package render

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// MaxBytes is the most that an object may have as JSON. etcd takes 1.5 MiB in one request
// (https://etcd.io/docs/latest/dev-guide/limit/), of a form that is shorter than JSON; the
// rest is left for what the API server adds.
const MaxBytes = 1_400_000

// Oversized returns a mistake for each policy of a tier that would be too large to be stored.
// The path is that of the tier.
func Oversized(o Objects, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, policy := range o.Policies {
		raw, err := json.Marshal(policy)
		if err != nil {
			errs = append(errs, field.InternalError(path, fmt.Errorf("measuring NetworkPolicy %s: %w", policy.Name, err)))
			continue
		}
		if len(raw) > MaxBytes {
			errs = append(errs, field.Invalid(path, policy.Name, fmt.Sprintf(
				"the NetworkPolicy would have %d bytes, and may have %d; declare fewer addresses, pods or ports, or split the tier",
				len(raw), MaxBytes)))
		}
	}
	return errs
}
