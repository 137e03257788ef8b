// Package eventlog keeps events in a versioned S3 bucket: one object per resource, whose versions are its history.
//
// The history is sorted by place: the time when the first execution of each event started. S3 may have stored the
// versions in another order. Of several versions that name the same execution, only the oldest counts. A lost response,
// a late write of an attempt that timed out, or a redrive can leave a second one. Everything here that reads the
// history follows these rules, except Newest.
package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// ErrNotFound means that a resource, version or object does not exist.
var ErrNotFound = errors.New("not found in the event log")

// ErrDeleteMarker means that a version is a delete marker, which has no event. It is an ErrNotFound.
var ErrDeleteMarker = fmt.Errorf("%w: the version is a delete marker", ErrNotFound)

// ErrDeleted means that the resource's object was deleted: its newest version is a delete marker.
var ErrDeleted = errors.New("deleted from the event log")

// WasDeleted is the reason why an event of such a resource is not run or published.
const WasDeleted = "its object was deleted from the event log"

// API is the part of the S3 client that the log uses.
type API interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	ListObjectVersions(context.Context, *s3.ListObjectVersionsInput, ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error)
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// Log reads and writes the bucket.
type Log struct {
	api    API
	bucket string
	logger *slog.Logger
}

// New returns a log over a bucket.
func New(api API, bucket string) *Log {
	return &Log{api: api, bucket: bucket, logger: slog.New(slog.DiscardHandler)}
}

// Logging makes the log report what it skips. It returns the log.
func (l *Log) Logging(logger *slog.Logger) *Log {
	l.logger = logger
	return l
}

// Meta is stored with an event, as user metadata of its object.
type Meta struct {
	Execution  string    // name of the execution that recorded it
	OwnerID    string    // empty: none
	RecordedAt time.Time // millisecond precision
	StartedAt  time.Time // start of that execution; no older version can name it

	// FirstStartedAt is when the first execution of the event started, if that was another one, which failed before it
	// could record the event. For a correction, it is its place.
	FirstStartedAt time.Time

	Correction Correction // the zero value if it is not a correction
}

// Correction says which version a version corrects, who asked for that, and why. The ledger has all of it. Here it is
// cut to what fits into S3's metadata.
type Correction struct {
	Of       string // version id
	By       string
	Reason   string
	ReplayID string
}

// Metadata keys. S3 keeps them in lower case.
const (
	metaExecution = "execution"
	metaOwner     = "owner"
	metaRecorded  = "recorded-at"
	metaStarted   = "started-at"
	metaFirst     = "first-started-at"
	metaOf        = "correction-of"
	metaReplay    = "correction-replay"
	metaBy        = "corrected-by"
	metaReason    = "correction-reason"
)

// maxMeta bounds the metadata that is written, prefixes included. S3 allows 2 KB without them.
const (
	maxMeta    = 2_000
	metaPrefix = len("x-amz-meta-")
	maxBy      = 300 // of maxMeta: who corrected it
)

func (m Meta) encode() map[string]string {
	out := map[string]string{
		metaExecution: replay.PercentEncode(m.Execution), // metadata travels in headers: ASCII only
		metaRecorded:  m.RecordedAt.UTC().Format(time.RFC3339Nano),
		metaStarted:   m.StartedAt.UTC().Format(time.RFC3339Nano),
	}
	if !m.FirstStartedAt.IsZero() {
		out[metaFirst] = m.FirstStartedAt.UTC().Format(time.RFC3339Nano)
	}
	if m.OwnerID != "" {
		out[metaOwner] = replay.PercentEncode(m.OwnerID)
	}
	if c := m.Correction; c.Of != "" {
		out[metaOf], out[metaReplay] = replay.PercentEncode(c.Of), replay.PercentEncode(c.ReplayID)
		fill(out, metaBy, c.By, maxBy)
		fill(out, metaReason, c.Reason, maxMeta)
	}
	return out
}

// fill adds as much of a string to the metadata as fits, at most the given number of encoded bytes.
func fill(meta map[string]string, key, text string, most int) {
	left := maxMeta - len(key) - metaPrefix
	for k, v := range meta {
		left -= len(k) + len(v) + metaPrefix
	}
	encoded := ""
	for _, r := range text {
		next := encoded + replay.PercentEncode(string(r))
		if len(next) > min(left, most) {
			break
		}
		encoded = next
	}
	if encoded != "" {
		meta[key] = encoded
	}
}

// decodeMeta is lenient: an object that was put by hand has none of the keys and is still a version.
func decodeMeta(in map[string]string) Meta {
	var m Meta
	for key, into := range map[string]*string{
		metaExecution: &m.Execution, metaOwner: &m.OwnerID, metaOf: &m.Correction.Of, metaReplay: &m.Correction.ReplayID,
		metaBy: &m.Correction.By, metaReason: &m.Correction.Reason,
	} {
		if text, err := url.PathUnescape(in[key]); err == nil {
			*into = text
		}
	}
	m.RecordedAt, _ = time.Parse(time.RFC3339Nano, in[metaRecorded])
	m.StartedAt, _ = time.Parse(time.RFC3339Nano, in[metaStarted])
	m.FirstStartedAt, _ = time.Parse(time.RFC3339Nano, in[metaFirst])
	return m
}

// Put appends an event to a resource's history and returns the id of its version. It fails if the bucket is not
// versioned, because each event would replace the one before.
func (l *Log) Put(ctx context.Context, resourceID string, event []byte, meta Meta) (string, error) {
	key, err := replay.EventKey(resourceID)
	if err != nil {
		return "", err
	}
	out, err := l.put(ctx, key, event, meta.encode())
	if err != nil {
		return "", err
	}
	id := aws.ToString(out.VersionId)
	if id == "" || id == "null" {
		// In a new bucket, versioning takes up to 15 minutes ("Amazon S3 data consistency model", Amazon S3 User Guide).
		return "", errs.New(errs.ServiceUnavailable,
			"the bucket %s keeps no versions: turn versioning on, or wait for 15 minutes if it was turned on just now", l.bucket)
	}
	if tries, ok := retry.GetAttemptResults(out.ResultMetadata); ok && len(tries.Results) > 1 {
		// An earlier attempt may have written a version whose response was lost. That version counts.
		v, err := l.FindExecution(ctx, resourceID, meta.Execution, meta.StartedAt)
		return v.ID, err
	}
	return id, nil
}

// PutObject stores a JSON document under a key outside of the histories, such as outputs/<execution name>.
func (l *Log) PutObject(ctx context.Context, key string, document []byte) error {
	_, err := l.put(ctx, key, document, nil)
	return err
}

func (l *Log) put(ctx context.Context, key string, body []byte, meta map[string]string) (*s3.PutObjectOutput, error) {
	out, err := l.api.PutObject(ctx, &s3.PutObjectInput{
		Bucket:      &l.bucket,
		Key:         &key,
		Body:        bytes.NewReader(body),
		ContentType: aws.String("application/json"),
		Metadata:    meta,
	})
	if err != nil {
		return nil, fmt.Errorf("put %s: %w", key, err)
	}
	return out, nil
}

// ErrNotAnEvent means that an object is larger than any event: it was put by hand.
var ErrNotAnEvent = errors.New("not an event: the object is larger than any event")

// Bounds on reads into memory.
const (
	maxEvent    = 1 << 20  // Step Functions takes a quarter of it at most
	maxDocument = 32 << 20 // a request has 10 MB at most, an output and an input 256 KiB
)

// ErrExists means that the object exists already.
var ErrExists = errors.New("in the event log already")

// PutOnce stores a document that never changes. It returns ErrExists if the key has one.
func (l *Log) PutOnce(ctx context.Context, key string, body []byte) error {
	_, err := l.api.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &l.bucket, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/json"),
		IfNoneMatch: aws.String("*"),
	})
	if errs.HasCode(err, "PreconditionFailed") {
		return fmt.Errorf("put %s: %w", key, ErrExists)
	}
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}

// Event returns the event of a version, byte for byte. It returns ErrNotFound if the resource does not have that
// version, and ErrNotAnEvent for an object that is too large for an event.
func (l *Log) Event(ctx context.Context, resourceID, versionID string) ([]byte, error) {
	key, err := replay.EventKey(resourceID)
	if err != nil {
		return nil, err
	}
	return l.get(ctx, key, &versionID, maxEvent)
}

// Object returns a document that PutObject stored. It returns ErrNotFound if there is none.
func (l *Log) Object(ctx context.Context, key string) ([]byte, error) {
	return l.get(ctx, key, nil, maxDocument)
}

func (l *Log) get(ctx context.Context, key string, versionID *string, most int64) ([]byte, error) {
	out, err := l.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &l.bucket, Key: &key, VersionId: versionID})
	if err != nil {
		if versionID != nil && errs.HasCode(err, methodNotAllowed) {
			return nil, fmt.Errorf("get %s: %w", key, ErrDeleteMarker)
		}
		if notFound(err) || versionID != nil && errs.HasCode(err, noVersionID) {
			return nil, fmt.Errorf("get %s: %w", key, ErrNotFound)
		}
		return nil, fmt.Errorf("get %s: %w", key, err)
	}
	defer func() { _ = out.Body.Close() }() // read to its end below, unless it is too large
	if aws.ToBool(out.DeleteMarker) {       // an emulator does this instead of failing
		return nil, fmt.Errorf("get %s: %w", key, ErrDeleteMarker)
	}
	body, err := io.ReadAll(io.LimitReader(out.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	if int64(len(body)) > most {
		return nil, fmt.Errorf("read %s: %w", key, ErrNotAnEvent)
	}
	return body, nil
}

// headObject reads the metadata of a version, or of the newest one.
func (l *Log) headObject(ctx context.Context, key string, versionID *string) (*s3.HeadObjectOutput, error) {
	out, err := l.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &l.bucket, Key: &key, VersionId: versionID})
	if err == nil {
		return out, nil
	}
	missing := notFound(err)
	if versionID != nil && (errs.HasCode(err, "BadRequest") || errs.HasCode(err, noVersionID)) {
		missing = l.refuses(ctx, key, *versionID)
	}
	if missing {
		return nil, fmt.Errorf("head %s: %w", key, ErrNotFound)
	}
	return nil, fmt.Errorf("head %s: %w", key, err)
}

// noVersionID is S3's code for an id that cannot be that of a version.
const noVersionID = "InvalidArgument"

// refuses reports whether S3 rejects a string as a version id. The response to a HEAD has no body, so an expired token
// or a wrong key gives the same 400. The response to a GET of one byte names the error.
func (l *Log) refuses(ctx context.Context, key, versionID string) bool {
	out, err := l.api.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &l.bucket, Key: &key, VersionId: &versionID, Range: aws.String("bytes=0-0"),
	})
	if err == nil {
		_ = out.Body.Close()
	}
	return err != nil && (errs.HasCode(err, noVersionID) || notFound(err))
}

// methodNotAllowed is the code of S3's error for a read of a delete marker by its version id.
const methodNotAllowed = "MethodNotAllowed"

// notFound matches the codes that S3 uses for an object or version that does not exist.
func notFound(err error) bool {
	var noKey *types.NoSuchKey
	var missing *types.NotFound
	return errors.As(err, &noKey) || errors.As(err, &missing) ||
		errs.HasCode(err, "NoSuchVersion") || errs.HasCode(err, methodNotAllowed)
}

// Keys of documents outside of the histories.

// OutputKey is the key of the output of an execution.
func OutputKey(execution string) string { return schema.OutputsPrefix + execution }

// DerivedKey is the key of a replay's event that does not fit into its execution's input.
func DerivedKey(execution string) string { return schema.DerivedPrefix + execution }

// UnrecordedKey is the key of a failed execution's input that never reached the log.
func UnrecordedKey(execution string) string { return schema.UnrecordedPrefix + execution }

// RequestKey is the key of an accepted replay request.
func RequestKey(replayID string) string { return schema.ReplaysPrefix + replayID + "/request.json" }

// EvidenceKey is the key of the evidence of a replay that has ended.
func EvidenceKey(replayID string) string { return schema.ReplaysPrefix + replayID + "/evidence.json" }
