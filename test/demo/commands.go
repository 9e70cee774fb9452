package main

import (
	"context"
	"os/exec"
	"strings"
)

// hint is a few commands and what they show.
type hint struct {
	shows    string
	commands []string
}

// hints are what to go on with.
func hints(profile, kubeconfig, log string) []hint {
	const ours = " -A -l app.kubernetes.io/managed-by=segmentation-operator"
	return []hint{
		{"Whom to talk to.", []string{"export KUBECONFIG=" + kubeconfig}},
		{"Is it fine? In one line, and with conditions, counts, findings and events.", []string{
			"kubectl get segprof",
			"kubectl describe segprof " + profile,
		}},
		{"What may be written in a profile.", []string{
			"kubectl explain segprof.spec",
			"kubectl explain segprof.spec.dependencies",
		}},
		{"What the operator wrote.", []string{
			"kubectl get ns -L segmentation.dev/profile,segmentation.dev/tier",
			"kubectl get netpol" + ours,
			"kubectl get role,rolebinding" + ours,
			"kubectl describe netpol segmentation -n shop-api-orders",
			"kubectl auth can-i list pods -n shop-postgres --as=jane --as-group=shop-dbas",
		}},
		{"Try: what is deleted comes back, and a namespace leaves its tier and joins another.", []string{
			"kubectl delete netpol --all -n shop-postgres --as=me --as-group=system:masters --as-group=segmentation:break-glass",
			"kubectl label ns shop-web-admin --overwrite layer=none",
			"kubectl label ns shop-web-admin --overwrite layer=api",
		}},
		{"Try: change what is declared, or take it all away.", []string{
			"kubectl edit segprof " + profile,
			"kubectl delete segprof " + profile,
		}},
		{"What the operator says meanwhile.", []string{"tail -f " + log}},
	}
}

// showCommands shows how to go on.
func (d *demo) showCommands(context.Context) error {
	heading := "To go on, in another terminal"
	if d.options.once {
		heading = "To go on in another terminal, run this without --once"
	}
	d.screen.heading(heading)
	d.screen.block(d.screen.hints(hints(d.sample.profile.Name, d.kubeconfig(), d.operatorLog())))
	if _, err := exec.LookPath("kubectl"); err != nil {
		d.screen.block("\nkubectl is not in your PATH: see https://kubernetes.io/docs/tasks/tools/\n")
	}
	return nil
}

// hints writes hints as lines that can be pasted into a shell.
func (p palette) hints(all []hint) string {
	var b strings.Builder
	for i, h := range all {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(p.paint(dim, "# "+h.shows) + "\n")
		for _, command := range h.commands {
			b.WriteString(command + "\n")
		}
	}
	return b.String()
}
