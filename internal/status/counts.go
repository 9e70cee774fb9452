package status

import "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"

// Counts is what is measured of a profile's namespaces and has no place in its status, which is bounded.
type Counts struct {
	// Pending is the number of namespaces that belong to the profile and are not ready. A profile in
	// Preview works on none, so none is pending.
	Pending int32
	// Conflicted counts, by reason, the namespaces that the profile selects and does not get.
	Conflicted map[string]int
	// Findings counts all findings by reason.
	Findings map[string]int
}

// findingReasons are the reasons that findings have. Each is counted, also if there is none: a count that
// comes with the first finding would be no rise to who watches it.
func findingReasons() []string {
	return append(conflictReasons(),
		v1alpha1.ReasonAboveCeiling, v1alpha1.ReasonEditsBoundary, v1alpha1.ReasonEngineNarrower, v1alpha1.ReasonEngineWider,
		v1alpha1.ReasonNameTaken, v1alpha1.ReasonProtectedNamespace,
		v1alpha1.ReasonRejected, v1alpha1.ReasonRetrying, v1alpha1.ReasonRoleMissing, v1alpha1.ReasonUndeclaredAccess,
		v1alpha1.ReasonUndeclaredPath)
}

// conflictReasons are the reasons of findings by which a profile does not get a namespace that others get,
// or that two of its own tiers select.
func conflictReasons() []string {
	return []string{v1alpha1.ReasonTiersOverlap, v1alpha1.ReasonHeldByOlderProfile}
}

func (t *tally) counts(profile *v1alpha1.SegmentationProfile) Counts {
	c := Counts{Conflicted: map[string]int{}, Findings: map[string]int{}}
	if profile.Spec.Mode != v1alpha1.ModePreview {
		c.Pending = t.claimed - t.ready
	}
	for _, reason := range findingReasons() {
		c.Findings[reason] = 0
	}
	for i := range t.findings {
		c.Findings[t.findings[i].Reason]++
	}
	for _, reason := range conflictReasons() {
		c.Conflicted[reason] = c.Findings[reason]
	}
	return c
}
