package reach

import (
	"encoding/binary"
	"iter"
	mathbits "math/bits"
)

const wordSize = 64

// bits is a set of small numbers. Two of them go together only if they were made for the
// same number of members.
type bits []uint64

func newBits(members int) bits {
	return make(bits, (members+wordSize-1)/wordSize)
}

// allBits has all members.
func allBits(members int) bits {
	out := newBits(members)
	for i := range members {
		out.add(i)
	}
	return out
}

func (b bits) has(i int) bool {
	return b[i/wordSize]&(1<<(i%wordSize)) != 0
}

func (b bits) add(i int) {
	b[i/wordSize] |= 1 << (i % wordSize)
}

func (b bits) clone() bits {
	return append(bits(nil), b...)
}

func (b bits) union(other bits) bits {
	out := b.clone()
	for i, word := range other {
		out[i] |= word
	}
	return out
}

func (b bits) intersection(other bits) bits {
	out := b.clone()
	for i, word := range other {
		out[i] &= word
	}
	return out
}

func (b bits) difference(other bits) bits {
	out := b.clone()
	for i, word := range other {
		out[i] &^= word
	}
	return out
}

func (b bits) empty() bool {
	for _, word := range b {
		if word != 0 {
			return false
		}
	}
	return true
}

// all are the members, in order.
func (b bits) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, word := range b {
			for ; word != 0; word &= word - 1 {
				if !yield(i*wordSize + mathbits.TrailingZeros64(word)) {
					return
				}
			}
		}
	}
}

// key is the same for sets with the same members, and for no others.
func (b bits) key() string {
	out := make([]byte, 0, len(b)*8)
	for _, word := range b {
		out = binary.LittleEndian.AppendUint64(out, word)
	}
	return string(out)
}
