package cli

import (
	"slices"

	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
)

// What is written of SARIF 2.1.0:
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string       `json:"id"`
		ShortDescription sarifMessage `json:"shortDescription"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool                `json:"executionSuccessful"`
		Notifications       []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string       `json:"level"`
		Message sarifMessage `json:"message"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifMessage    `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		LogicalLocations []sarifLogicalLocation `json:"logicalLocations"`
	}
	sarifLogicalLocation struct {
		Name               string `json:"name"`
		FullyQualifiedName string `json:"fullyQualifiedName"`
		Kind               string `json:"kind"`
	}
)

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"

func sarifOf(found []offline.Found, by engine.Found, unread []string, version string) sarifLog {
	rules := offline.Rules()
	run := sarifRun{
		Tool: sarifTool{Driver: sarifDriver{
			Name: "kubectl-segmentation", Version: version,
			InformationURI: "https://github.com/segmentation-dev/segmentation-operator",
		}},
		Invocations: []sarifInvocation{{
			ExecutionSuccessful: true, Notifications: []sarifNotification{{"note", sarifMessage{engineText(by)}}},
		}},
		Results: make([]sarifResult, 0, len(found)),
	}
	for _, rule := range rules {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{string(rule), sarifMessage{headingOf(rule)}})
	}
	for _, what := range unread {
		run.Invocations[0].Notifications = append(run.Invocations[0].Notifications,
			sarifNotification{"warning", sarifMessage{"not read, and left out: " + what}})
	}
	for i := range found {
		f := &found[i]
		name := f.Kind + "/" + f.Name
		if f.Namespace != "" {
			name = f.Namespace + "/" + name
		}
		run.Results = append(run.Results, sarifResult{
			RuleID: string(f.Rule), RuleIndex: slices.Index(rules, f.Rule), Level: levelOf(f.Rule), Message: sarifMessage{f.Message},
			Locations: []sarifLocation{{[]sarifLogicalLocation{{f.Name, name, "resource"}}}},
		})
	}
	return sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}}
}

// levelOf is an error for what is open though it is not declared, or as good as.
func levelOf(rule offline.Rule) string {
	switch rule {
	case offline.EngineWider, offline.UndeclaredPath, offline.UndeclaredClusterPath, offline.UndeclaredAccess, offline.InvalidProfile,
		offline.Drift:
		return "error"
	case offline.Unclaimed:
		return "note"
	default:
		return "warning"
	}
}
