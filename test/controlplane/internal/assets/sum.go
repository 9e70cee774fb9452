package assets

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// SumError says that a download is not what its publisher says it is.
type SumError struct {
	// URL is what was downloaded.
	URL string
	// Got is the SHA-256 sum of what came.
	Got string
	// Want is the sum that was published.
	Want string
}

// Error implements error.
func (e *SumError) Error() string {
	return fmt.Sprintf("%s has the SHA-256 sum %s, but %s was published", e.URL, e.Got, e.Want)
}

// parseSum reads a SHA-256 sum from a file that has it alone or, as sha256sum
// writes it, before a file's name.
func parseSum(text string) (string, error) {
	fields := strings.Fields(text)
	if len(fields) == 0 || len(fields) > 2 {
		return "", fmt.Errorf("%d words, want a sum", len(fields))
	}
	sum, err := hex.DecodeString(fields[0])
	if err != nil {
		return "", err
	}
	if len(sum) != sha256.Size {
		return "", fmt.Errorf("%d bytes, want %d", len(sum), sha256.Size)
	}
	return strings.ToLower(fields[0]), nil
}

// copySummed copies from one to the other and returns the SHA-256 sum of it.
func copySummed(to io.Writer, from io.Reader) (string, error) {
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(to, hash), from); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
