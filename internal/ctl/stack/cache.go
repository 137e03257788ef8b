package stack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/config"
)

// Cache keeps what was found in files of a directory. It is a convenience: what it cannot read or write it does
// without.
type Cache struct {
	Dir     string
	Key     string // of the account and Region, and of where they were asked
	TTL     time.Duration
	Now     func() time.Time
	Refresh bool // reads nothing
}

type cached struct {
	Key   string            `json:"key"` // two keys may have one hash in theory
	At    time.Time         `json:"at"`
	Found []config.Manifest `json:"found"`
}

func (c *Cache) file(name string) string {
	sum := sha256.Sum256([]byte(c.Key + "\x00" + name))
	return filepath.Join(c.Dir, hex.EncodeToString(sum[:12])+".json")
}

func (c *Cache) read(name string) ([]config.Manifest, bool) {
	if c == nil || c.Refresh {
		return nil, false
	}
	b, err := os.ReadFile(c.file(name))
	if err != nil {
		return nil, false
	}
	var kept cached
	if json.Unmarshal(b, &kept) != nil || kept.Key != c.Key {
		return nil, false
	}
	age := c.Now().Sub(kept.At)
	return kept.Found, age >= 0 && age < c.TTL && len(kept.Found) > 0
}

// write replaces the file in one step: another replayctl may be reading it.
func (c *Cache) write(name string, found []config.Manifest) {
	if c == nil || len(found) == 0 {
		return
	}
	b, err := json.Marshal(cached{Key: c.Key, At: c.Now(), Found: found})
	if err != nil || os.MkdirAll(c.Dir, 0o700) != nil {
		return
	}
	tmp, err := os.CreateTemp(c.Dir, "new-*")
	if err != nil {
		return
	}
	_, err = tmp.Write(b)
	if closed := tmp.Close(); err != nil || closed != nil || os.Rename(tmp.Name(), c.file(name)) != nil {
		_ = os.Remove(tmp.Name()) // no other file refers to it
	}
}
