package addresses

import "net/netip"

// unreachable are ranges that no host on the internet has its address from, as the IANA registries of special-purpose
// addresses (RFC 6890) have them. A packet to one of them ends at the node, on its link, or at whoever the network of
// the node takes for it.
func unreachable() []netip.Prefix {
	return prefixes(
		"0.0.0.0/8",      // "This network", RFC 791. Linux takes 0.0.0.0 for the host itself.
		"127.0.0.0/8",    // Loopback, RFC 1122.
		"169.254.0.0/16", // Link-local, RFC 3927.
		"224.0.0.0/4",    // Multicast, RFC 5771.
		"240.0.0.0/4",    // Reserved, RFC 1112, and broadcast.

		// Unspecified, loopback, and IPv4 addresses in three forms: compatible and mapped (RFC 4291), translated (RFC 2765).
		// The API server takes ::ffff:0:0/96 itself in no form, so it has to be a range around it; all of ::/8 is reserved.
		"::/64",
		"64:ff9b:1::/48", // IPv4 by a NAT64 of one's own, RFC 8215: where in it the IPv4 address is, only its network knows.
		"fe80::/10",      // Link-local, RFC 4291.
		"ff00::/8",       // Multicast, RFC 4291.
	)
}

// private are ranges that networks use as they like, and the internet does not have.
func private() []netip.Prefix {
	return prefixes(
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", // RFC 1918.
		"100.64.0.0/10", // Shared by carriers and their customers, RFC 6598; clouds give it to pods and to services of their own.
		"fc00::/7",      // Unique local, RFC 4193.
		"fec0::/10",     // Site-local: given up by RFC 3879, for ever out of use on the internet, and in use by some hypervisors.
	)
}

// metadata are the addresses at which clouds tell an instance about itself, and hand out its credentials. They are those
// in the documentation of the clouds and the data sources of cloud-init.
func metadata() []netip.Prefix {
	return prefixes(
		"100.100.100.200/32",     // Alibaba Cloud.
		"168.63.129.16/32",       // Azure: WireServer. It is an address of the internet, and everywhere in Azure it is the host.
		"169.254.42.42/32",       // Scaleway.
		"169.254.169.254/32",     // AWS, Azure, Google Cloud, Oracle Cloud, OpenStack and most others.
		"169.254.170.2/32",       // AWS ECS: credentials of tasks.
		"169.254.170.23/32",      // AWS EKS: Pod Identity Agent.
		"192.0.0.192/32",         // Oracle Cloud Infrastructure Classic.
		"fd00:42::42/128",        // Scaleway.
		"fd00:100::100:200/128",  // Alibaba Cloud.
		"fd00:a9fe:a9fe::1/128",  // Akamai, once Linode.
		"fd00:c1::a9fe:a9fe/128", // Oracle Cloud.
		"fd00:ec2::23/128",       // AWS EKS: Pod Identity Agent.
		"fd00:ec2::254/128",      // AWS.
		"fd20:ce::254/128",       // Google Cloud.
		"fe80::a9fe:a9fe/128",    // OpenStack.
	)
}

// translated are the addresses of IPv6 that a NAT64 with the well-known prefix, 64:ff9b::/96 (RFC 6052, 2.1), takes for
// those of IPv4.
func translated(v4 []netip.Prefix) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(v4))
	for _, p := range v4 {
		bytes := netip.MustParseAddr("64:ff9b::").As16()
		inner := p.Addr().As4()
		copy(bytes[12:], inner[:])
		out = append(out, netip.PrefixFrom(netip.AddrFrom16(bytes), 96+p.Bits()))
	}
	return out
}

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}
