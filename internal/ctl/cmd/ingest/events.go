package ingest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/ce873799/replayable-ingestion/replay"
)

// maxEvent is the largest event that Record takes, in bytes without white space between tokens.
const maxEvent = 256_000

// maxLine is the longest line that is read: an event may have white space.
const maxLine = 4 * maxEvent

// event is one of a file. A line that is not an event has an error.
type event struct {
	line int
	json []byte // without white space between tokens
	err  error
}

// digest identifies an event by its JSON.
type digest [20]byte

func (d digest) String() string { return hex.EncodeToString(d[:]) }

// digest is that of the event. White space does not change it, the order of members does.
func (e event) digest() digest {
	sum := sha256.Sum256(e.json)
	return digest(sum[:20])
}

// events reads a document, or one event per line. It keeps one line in memory.
func events(r io.Reader) iter.Seq2[event, error] {
	return func(yield func(event, error) bool) {
		in := bufio.NewReaderSize(r, maxLine)
		if one, is := document(in); is {
			yield(one, nil)
			return
		}
		for n := 1; ; n++ {
			line, long, err := readLine(in)
			// Files that were joined have a byte order mark each.
			line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\ufeff")))
			switch {
			case long:
				if !yield(event{line: n, err: tooLarge(fmt.Sprintf("more than %d", maxLine))}, nil) {
					return
				}
			case len(line) > 0:
				if !yield(parse(n, line), nil) {
					return
				}
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(event{}, fmt.Errorf("read line %d: %w", n, err))
				return
			}
		}
	}
}

// document reads all of the input as one event, if it is one that takes several lines.
func document(in *bufio.Reader) (event, bool) {
	all, err := in.Peek(maxLine)
	text := bytes.TrimSpace(bytes.TrimPrefix(all, []byte("\ufeff")))
	if !errors.Is(err, io.EOF) || !bytes.ContainsRune(text, '\n') || !json.Valid(text) {
		return event{}, false
	}
	return parse(1, text), true
}

// readLine reads a line. Of one that is too long it skips the rest.
func readLine(in *bufio.Reader) (line []byte, long bool, err error) {
	line, err = in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		for long = true; errors.Is(err, bufio.ErrBufferFull); {
			_, err = in.ReadSlice('\n')
		}
		return nil, long, err
	}
	return line, false, err
}

func parse(line int, text []byte) event {
	e := event{line: line}
	var compact bytes.Buffer
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		e.err = errors.New("is UTF-16, an event is UTF-8: convert the file with iconv -f UTF-16 -t UTF-8")
		return e
	}
	if err := json.Compact(&compact, text); err != nil {
		e.err = fmt.Errorf("is not valid JSON: %w: write one event per line, as jq -c does", err)
		return e
	}
	e.json = compact.Bytes()
	switch n := len(e.json); {
	case e.json[0] == '[':
		e.err = errors.New("is an array, not an object: send its elements, one per line, as jq -c '.[]' writes them")
	case e.json[0] != '{':
		e.err = fmt.Errorf("is not a JSON object: an event is an object with its resource's id, got %s", replay.Shorten(string(e.json)))
	case n > maxEvent:
		e.err = tooLarge(fmt.Sprint(n))
	default:
		if e.err = replay.CheckKeys(e.json); e.err == nil {
			e.err = replay.CheckText(e.json)
		}
	}
	return e
}

func tooLarge(bytes string) error {
	return fmt.Errorf("has %s bytes, an event has at most %d: keep large parts in S3 and send their keys", bytes, maxEvent)
}
