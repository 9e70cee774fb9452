// Package crd holds the CustomResourceDefinition of SegmentationProfile, for programs that install it or check objects
// by it.
package crd

import _ "embed" // For the definition.

// SegmentationProfiles is the CustomResourceDefinition, as YAML.
//
//go:embed bases/segmentation.dev_segmentationprofiles.yaml
var SegmentationProfiles []byte
