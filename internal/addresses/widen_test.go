package addresses

import (
	"encoding/binary"
	"math/big"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var comparePrefixes = cmpopts.EquateComparable(netip.Prefix{})

func TestWidened(t *testing.T) {
	cases := map[string]struct {
		ranges []netip.Prefix
		most   int
		want   []netip.Prefix
	}{
		"no more than there may be": {
			ranges: prefixes("10.0.0.1/32", "10.0.0.2/32"), most: 2, want: prefixes("10.0.0.1/32", "10.0.0.2/32"),
		},
		"the two that are nearest": {
			ranges: prefixes("10.0.0.1/32", "10.0.0.8/32", "10.0.0.10/32"), most: 2, want: prefixes("10.0.0.1/32", "10.0.0.8/30"),
		},
		"the fewest addresses, not the most bits in common": {
			ranges: prefixes("10.0.0.0/29", "10.0.0.8/30", "10.0.1.0/32", "10.0.1.4/32"), most: 3,
			want: prefixes("10.0.0.0/28", "10.0.1.0/32", "10.0.1.4/32"),
		},
		"of those that add as many, the most bits in common": {
			ranges: prefixes("10.0.0.0/30", "10.0.0.4/31", "10.0.1.0/32", "10.0.1.2/32"), most: 3,
			want: prefixes("10.0.0.0/30", "10.0.0.4/31", "10.0.1.0/30"),
		},
		"of those that are alike, the first": {
			ranges: prefixes("10.0.0.0/32", "10.0.0.2/32", "10.0.1.0/32", "10.0.1.2/32"), most: 3,
			want: prefixes("10.0.0.0/30", "10.0.1.0/32", "10.0.1.2/32"),
		},
		"a range that becomes the half of another": {
			ranges: prefixes("10.0.0.0/32", "10.0.0.2/32", "10.0.0.4/30"), most: 2, want: prefixes("10.0.0.0/29"),
		},
		"again with what came of it": {
			ranges: prefixes("10.0.0.1/32", "10.0.0.2/32", "10.0.0.4/32", "11.0.0.0/8"), most: 2,
			want: prefixes("10.0.0.0/29", "11.0.0.0/8"),
		},
		"IPv6, where differences are beyond 64 bits": {
			ranges: prefixes("2000::/32", "2001::/32", "2600::1/128", "2600:0:0:1::/128"), most: 3,
			want: prefixes("2000::/32", "2001::/32", "2600::/63"),
		},
		"a whole family if there is no other way": {
			ranges: prefixes("1.0.0.0/8", "200.0.0.0/8"), most: 1, want: prefixes("0.0.0.0/0"),
		},
		"a whole family of IPv6": {
			ranges: prefixes("::1/128", "ffff::/128"), most: 1, want: prefixes("::/0"),
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, widened(c.ranges, c.most), comparePrefixes); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// widenedSlowly is the rule of widened word by word: all neighbours are looked at each time.
func widenedSlowly(ranges []netip.Prefix, most int) []netip.Prefix {
	out := slices.Clone(ranges)
	for len(out) > most {
		best, bestRange := -1, netip.Prefix{}
		var fewest *big.Int
		for i := range len(out) - 1 {
			both := slowCommon(out[i], out[i+1])
			adds := new(big.Int).Sub(count(both), new(big.Int).Add(count(out[i]), count(out[i+1])))
			if fewest == nil || adds.Cmp(fewest) < 0 || (adds.Cmp(fewest) == 0 && both.Bits() > bestRange.Bits()) {
				best, bestRange, fewest = i, both, adds
			}
		}
		out = slices.Replace(out, best, best+2, bestRange)
	}
	return merged(out)
}

func count(p netip.Prefix) *big.Int {
	return new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-p.Bits()))
}

func slowCommon(a, b netip.Prefix) netip.Prefix {
	for !a.Contains(b.Addr()) {
		a = parent(a)
	}
	return a
}

// wellWidened fails if ranges are not all there, are too many, or are wider than they have to be.
func wellWidened(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, ranges []netip.Prefix, most int,
) {
	t.Helper()
	before := slices.Clone(ranges)
	got := widened(ranges, most)
	if !slices.Equal(before, ranges) {
		t.Fatalf("the ranges that were passed are others: %v, once %v", ranges, before)
	}
	if len(got) > most {
		t.Fatalf("%d ranges, at most %d were asked for", len(got), most)
	}
	for _, p := range ranges {
		if !slices.ContainsFunc(got, func(g netip.Prefix) bool { return g.Bits() <= p.Bits() && g.Contains(p.Addr()) }) {
			t.Fatalf("%s is in none of %v", p, got)
		}
	}
	if diff := cmp.Diff(widenedSlowly(ranges, most), got, comparePrefixes); diff != "" {
		t.Fatalf("at most %d of %v (-want +got):\n%s", most, ranges, diff)
	}
}

func TestWideningFollowsItsRule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) netip.Prefix {
			// Addresses that differ in few places have neighbours at every distance.
			addr := netip.AddrFrom16([16]byte{0: 0x20})
			b := addr.As16()
			for range rapid.IntRange(0, 4).Draw(t, "ones") {
				bit := rapid.IntRange(3, 127).Draw(t, "bit")
				b[bit/8] |= 1 << (7 - bit%8)
			}
			return netip.PrefixFrom(netip.AddrFrom16(b), rapid.IntRange(3, 128).Draw(t, "bits"))
		}), 1, 40).Draw(t, "ranges")
		wellWidened(t, merged(drawn), rapid.IntRange(1, 20).Draw(t, "most"))
	})
}

// TestWideningNeverClosesAFamily has the ranges that are worst for it: all of a family but one address, in as many ranges as
// there are bits, and as many single addresses as it takes to be too many.
func TestWideningNeverClosesAFamily(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		open := netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "open")))
		ranges := make([]netip.Prefix, 0, 112+2*MaxExceptions)
		for length := range rapid.IntRange(100, 112).Draw(t, "closed") {
			length++
			b := open.As16()
			b[(length-1)/8] ^= 1 << (7 - (length-1)%8)
			ranges = append(ranges, netip.PrefixFrom(netip.AddrFrom16(b), length))
		}
		for i := range 2 * MaxExceptions {
			b := open.As16()
			b[15], b[14] = byte(i)*2, byte(i>>7)
			ranges = append(ranges, netip.PrefixFrom(netip.AddrFrom16(b), 128))
		}
		got := widened(merged(ranges), MaxExceptions)
		if len(got) > MaxExceptions || got[0].Bits() == 0 {
			t.Fatalf("%v", got)
		}
	})
}

func FuzzWidened(f *testing.F) {
	f.Add([]byte{10, 0, 0, 1, 32, 10, 0, 0, 2, 32, 10, 0, 0, 9, 32}, true, uint8(2))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 128, 255, 0, 0, 0, 0, 0, 0, 0, 1, 32, 0, 0, 0, 0, 0, 0, 0, 64}, false, uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, v4 bool, most uint8) {
		length := 9 // 48 bits of the first half of an address, 16 of the other, and a length.
		if v4 {
			length = 5
		}
		var ranges []netip.Prefix
		for chunk := range slices.Chunk(data[:min(len(data), 60*length)], length) {
			if len(chunk) < length {
				break
			}
			bits := int(chunk[length-1])
			if v4 {
				ranges = append(ranges, netip.PrefixFrom(netip.AddrFrom4([4]byte(chunk)), bits%33))
				continue
			}
			var b [16]byte
			half := binary.BigEndian.Uint64(chunk)
			binary.BigEndian.PutUint64(b[:], half&^0xffff)
			binary.BigEndian.PutUint64(b[8:], half<<48)
			ranges = append(ranges, netip.PrefixFrom(netip.AddrFrom16(b), bits%129))
		}
		if len(ranges) > 0 {
			wellWidened(t, merged(ranges), int(most)+1)
		}
	})
}

func TestMerged(t *testing.T) {
	cases := map[string]struct{ ranges, want []netip.Prefix }{
		"nothing":                             {},
		"what is no range":                    {ranges: []netip.Prefix{{}}},
		"one inside another, in any order":    {ranges: prefixes("10.1.0.0/16", "10.0.0.0/8", "10.0.0.0/8"), want: prefixes("10.0.0.0/8")},
		"halves, and halves of halves":        {ranges: prefixes("10.0.0.3/32", "10.0.0.2/32", "10.0.0.0/31"), want: prefixes("10.0.0.0/30")},
		"neighbours that are not halves":      {ranges: prefixes("10.0.0.1/32", "10.0.0.2/32"), want: prefixes("10.0.0.1/32", "10.0.0.2/32")},
		"neighbours of other sizes":           {ranges: prefixes("10.0.0.0/31", "10.0.0.2/32"), want: prefixes("10.0.0.0/31", "10.0.0.2/32")},
		"both halves of a family":             {ranges: prefixes("128.0.0.0/1", "0.0.0.0/1"), want: prefixes("0.0.0.0/0")},
		"families stay apart":                 {ranges: prefixes("::/0", "0.0.0.0/0"), want: prefixes("0.0.0.0/0", "::/0")},
		"host bits, and IPv4 in IPv6":         {ranges: prefixes("10.0.0.1/8", "::ffff:11.0.0.1/104"), want: prefixes("10.0.0.0/7")},
		"all of IPv4 in IPv6":                 {ranges: prefixes("::ffff:0.0.0.0/96"), want: prefixes("0.0.0.0/0")},
		"IPv6 around IPv4 in IPv6 stays IPv6": {ranges: prefixes("::ffff:10.0.0.0/95"), want: prefixes("::fffe:0:0/95")},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, merged(c.ranges), comparePrefixes, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
