package main

import (
	"cmp"
	"slices"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// closed is how a matrix writes that no port is open.
const closed = "-"

// party is a row and a column of the matrix, as a reader of the profile knows it.
type party struct {
	// name is the name of a tier or peer, or says which namespaces it is.
	name string
	// group is the place of the party in the matrix.
	group int
	// rank is the place of the party in what is shown.
	rank int
}

// partiesOf gives the groups of a matrix the names and the order of the profile: its tiers,
// its peers, and then who else is there. A peer of several ranges of addresses is shown
// once, as long as they do not differ.
func partiesOf(matrix *reach.Matrix, profile *v1alpha1.SegmentationProfile) []party {
	var parties []party
	for i := range matrix.Groups {
		p := partyOf(&matrix.Groups[i], profile)
		p.group = i
		same := slices.IndexFunc(parties, func(other party) bool { return other.name == p.name })
		if same >= 0 && alike(matrix, parties[same].group, i) {
			continue
		}
		if same >= 0 {
			p.name = matrix.Groups[i].Name
		}
		parties = append(parties, p)
	}
	slices.SortStableFunc(parties, func(a, b party) int { return cmp.Compare(a.rank, b.rank) })
	return parties
}

func partyOf(group *reach.Group, profile *v1alpha1.SegmentationProfile) party {
	tiers, peers := profile.Spec.Tiers, profile.Spec.Peers
	if !group.Outside && len(group.Namespaces) > 0 {
		rank := slices.IndexFunc(tiers, func(t v1alpha1.Tier) bool { return string(t.Name) == group.Name })
		return party{name: group.Name, rank: rank}
	}
	for i := range peers {
		if isPeer(group, &peers[i]) {
			return party{name: string(peers[i].Name), rank: len(tiers) + i}
		}
	}
	if len(group.Namespaces) > 1 {
		return party{name: "others", rank: len(tiers) + len(peers) + 1}
	}
	return party{name: group.Name, rank: len(tiers) + len(peers)}
}

// isPeer tells whether a group outside the tiers is one that a peer names.
func isPeer(group *reach.Group, peer *v1alpha1.Peer) bool {
	if len(group.Namespaces) == 0 {
		return slices.ContainsFunc(peer.CIDRs, func(b v1alpha1.CIDRBlock) bool { return string(b.CIDR) == group.Name })
	}
	return peer.Namespaces != nil && !slices.ContainsFunc(group.Namespaces, func(name string) bool {
		return !slices.Contains(peer.Namespaces.Names, v1alpha1.NamespaceName(name))
	})
}

// alike tells whether two groups reach the same, and are reached by the same.
func alike(matrix *reach.Matrix, a, b int) bool {
	for i := range matrix.Groups {
		if matrix.Cells[a][i].String() != matrix.Cells[b][i].String() || matrix.Cells[i][a].String() != matrix.Cells[i][b].String() {
			return false
		}
	}
	return true
}
