package observed

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
)

// maxLine is the longest line that is read, in bytes. Hubble's are a few kilobytes.
const maxLine = 4 << 20

// Read reads lines of JSON and adds the flows that they tell of. Empty lines are no mistake. An error names the line. After
// the last of what is to be read, it is Done.
func (f *Flows) Read(in io.Reader) error {
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, maxLine)
	number := 0
	for scanner.Scan() {
		number++
		text := bytes.TrimSpace(scanner.Bytes())
		if len(text) == 0 {
			continue
		}
		f.Lines++
		if err := f.line(text); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("after line %d: %w", number, err)
	}
	return nil
}

// line reads one line: one of Hubble's is known by what only it has.
func (f *Flows) line(text []byte) error {
	var h hubbleLine
	if err := json.Unmarshal(text, &h); err != nil {
		return notJSON(text, err)
	}
	switch {
	case h.Flow != nil:
		return f.hubble(h.Flow)
	case h.isEvent():
		f.leave(leftOther)
		return nil
	}
	var bare hubbleFlow
	if json.Unmarshal(text, &bare) == nil && (bare.L4 != nil || bare.Verdict != "") {
		return f.hubble(&bare)
	}
	return f.own(text)
}

func notJSON(text []byte, err error) error {
	const most = 40
	if len(text) > most {
		text = append(bytes.Clone(text[:most]), "..."...)
	}
	return fmt.Errorf("no JSON object of a flow: %q: %w", text, err)
}

// ownFlow is a flow in the form of docs/cli.md.
type ownFlow struct {
	From     *ownParty `json:"from"`
	To       *ownParty `json:"to"`
	Protocol string    `json:"protocol"`
	Port     int32     `json:"port"`
}

type ownParty struct {
	Namespace string            `json:"namespace"`
	Pod       string            `json:"pod"`
	Labels    map[string]string `json:"labels"`
	IP        string            `json:"ip"`
}

func (f *Flows) own(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var read ownFlow
	if err := decoder.Decode(&read); err != nil {
		return notJSON(text, err)
	}
	if read.From == nil || read.To == nil {
		return errors.New("from and to are needed: who called, and who was called")
	}
	flow := Flow{Protocol: corev1.ProtocolTCP, Port: read.Port}
	switch corev1.Protocol(read.Protocol) {
	case "", corev1.ProtocolTCP:
	case corev1.ProtocolUDP, corev1.ProtocolSCTP:
		flow.Protocol = corev1.Protocol(read.Protocol)
	default:
		return fmt.Errorf("protocol %q is unknown: it is TCP, UDP or SCTP", read.Protocol)
	}
	if flow.Port < 1 || flow.Port > 65535 {
		return fmt.Errorf("port %d is no port: give the one that was called, from 1 to 65535", flow.Port)
	}
	var err error
	if flow.From, err = read.From.party("from"); err != nil {
		return err
	}
	if flow.To, err = read.To.party("to"); err != nil {
		return err
	}
	f.add(flow)
	return nil
}

func (p *ownParty) party(field string) (Party, error) {
	out := Party{Namespace: p.Namespace, Pod: p.Pod, Labels: p.Labels}
	if p.IP != "" {
		ip, err := netip.ParseAddr(p.IP)
		if err != nil {
			return out, fmt.Errorf("%s.ip %q is no address", field, p.IP)
		}
		out.IP = ip.Unmap().WithZone("")
	}
	if err := out.check(); err != nil {
		return out, fmt.Errorf("%s: %w", field, err)
	}
	switch {
	case out.Namespace == "" && (out.Pod != "" || len(out.Labels) > 0):
		return out, fmt.Errorf("%s has a pod without a namespace: give %s.namespace", field, field)
	case out.Namespace == "" && !out.IP.IsValid():
		return out, fmt.Errorf("%s is nobody: give namespace (and pod or labels), or ip", field)
	}
	return out, nil
}
