package mesh

import (
	"encoding/json"
	"maps"
)

// The methods below read and write what these types have no field for: who looks whether a policy is as it should be, or
// who may pass by it, must not overlook that.

// UnmarshalJSON keeps fields that are not known.
func (s *AuthorizationSpec) UnmarshalJSON(data []byte) error {
	type plain AuthorizationSpec
	unknown, err := decode(data, (*plain)(s), "selector", "action", "rules")
	s.Unknown = unknown
	return err
}

// MarshalJSON writes them.
func (s AuthorizationSpec) MarshalJSON() ([]byte, error) {
	type plain AuthorizationSpec
	return encode(plain(s), s.Unknown)
}

// UnmarshalJSON keeps fields that are not known.
func (r *Rule) UnmarshalJSON(data []byte) error {
	type plain Rule
	unknown, err := decode(data, (*plain)(r), "from", "to")
	r.Unknown = unknown
	return err
}

// MarshalJSON writes them.
func (r Rule) MarshalJSON() ([]byte, error) {
	type plain Rule
	return encode(plain(r), r.Unknown)
}

// UnmarshalJSON keeps fields that are not known.
func (s *Source) UnmarshalJSON(data []byte) error {
	type plain Source
	unknown, err := decode(data, (*plain)(s), "principals", "namespaces", "ipBlocks", "notIpBlocks")
	s.Unknown = unknown
	return err
}

// MarshalJSON writes them.
func (s Source) MarshalJSON() ([]byte, error) {
	type plain Source
	return encode(plain(s), s.Unknown)
}

// UnmarshalJSON keeps fields that are not known.
func (o *Operation) UnmarshalJSON(data []byte) error {
	type plain Operation
	unknown, err := decode(data, (*plain)(o), "ports")
	o.Unknown = unknown
	return err
}

// MarshalJSON writes them.
func (o Operation) MarshalJSON() ([]byte, error) {
	type plain Operation
	return encode(plain(o), o.Unknown)
}

// UnmarshalJSON keeps fields that are not known.
func (s *PeerAuthenticationSpec) UnmarshalJSON(data []byte) error {
	type plain PeerAuthenticationSpec
	unknown, err := decode(data, (*plain)(s), "selector", "mtls", "portLevelMtls")
	s.Unknown = unknown
	return err
}

// MarshalJSON writes them.
func (s PeerAuthenticationSpec) MarshalJSON() ([]byte, error) {
	type plain PeerAuthenticationSpec
	return encode(plain(s), s.Unknown)
}

// decode reads an object and returns what it has beside the known fields; nil if nothing.
func decode(data []byte, into any, known ...string) (map[string]any, error) {
	if err := json.Unmarshal(data, into); err != nil {
		return nil, err
	}
	var all map[string]any
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	for _, name := range known {
		delete(all, name)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}

// encode writes an object with other fields beside those that it has.
func encode(plain any, unknown map[string]any) ([]byte, error) {
	raw, err := json.Marshal(plain)
	if err != nil || len(unknown) == 0 {
		return raw, err
	}
	all := map[string]any{}
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, err
	}
	maps.Copy(all, unknown)
	return json.Marshal(all)
}
