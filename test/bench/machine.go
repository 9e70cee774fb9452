package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// machine says on what it was measured, since figures of different machines do not compare. What cannot be found out
// is left out.
func machine(ctx context.Context) string {
	parts := []string{fmt.Sprintf("%d processors", runtime.NumCPU())}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		if memory := memoryIn(string(text)); memory != "" {
			parts = append(parts, memory)
		}
	}
	parts = append(parts, runtime.Version())
	if version := versionOf(ctx, "kube-apiserver"); version != "" {
		parts = append(parts, "kube-apiserver "+strings.TrimPrefix(version, "Kubernetes "))
	}
	if version := versionOf(ctx, "etcd"); version != "" {
		parts = append(parts, "etcd "+strings.TrimPrefix(version, "etcd Version: "))
	}
	return "machine: " + strings.Join(parts, ", ")
}

// memoryIn finds the memory in the text of /proc/meminfo.
func memoryIn(text string) string {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "MemTotal:" {
			continue
		}
		if kib, err := strconv.ParseFloat(fields[1], 64); err == nil {
			return fmt.Sprintf("%.1f GiB", kib/(1<<20))
		}
	}
	return ""
}

// versionOf is the first line of what a binary of the control plane says of its version.
func versionOf(ctx context.Context, binary string) string {
	dir := os.Getenv("KUBEBUILDER_ASSETS")
	if dir == "" {
		return ""
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, binary), "--version").Output()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}
