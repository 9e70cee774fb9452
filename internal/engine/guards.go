package engine

// Guards tells what the engine makes of ClusterNetworkPolicies, and in words, as the end of a sentence that its name begins.
func (f Found) Guards() (reading Reading, what string) {
	if !f.IsKnown() {
		return Unread, ""
	}
	cell := Of(f.Name, ClusterNetworkPolicy)
	return cell.at(f.Version)
}
