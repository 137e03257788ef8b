package served_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger/ledgertest"
)

// TestLedger runs what the ledger's own tests run on the table in memory.
func TestLedger(t *testing.T) { ledgertest.Run(t, ledger.New(table(t, start(t)), awstest.TableName)) }

// TestBucket makes the same calls on both buckets, and compares what they answer.
// That a key is too long only the bucket in memory says, as S3 does.
func TestBucket(t *testing.T) {
	client := bucket(t, start(t))
	served := calls{t: t, api: client, del: func(key string) {
		if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(awstest.BucketName), Key: &key}); err != nil {
			t.Fatal(err)
		}
	}}
	memory := awstest.NewBucket()
	inMemory := calls{t: t, api: memory, del: memory.Delete}
	served.all()
	inMemory.all()
	for i, want := range served.answers {
		if i >= len(inMemory.answers) || inMemory.answers[i] != want {
			t.Errorf("answer %d: got %q of the bucket in memory, want %q", i, inMemory.answers[i:min(i+1, len(inMemory.answers))], want)
		}
	}
}

// calls are those that the event log makes. In their answers, a version's id is its number in the order of writing.
type calls struct {
	t       *testing.T
	api     eventlog.API
	del     func(key string)
	ids     []string
	answers []string
}

func (c *calls) all() {
	for i, key := range []string{"events/a", "events/a", "events/b", "events/a", "derived/a"} {
		c.put(key, strings.Repeat("x", i+1))
	}
	c.read("events/a", nil)
	c.read("events/a", &c.ids[0])
	c.read("events/a", &c.ids[2]) // another key's
	c.read("events/c", nil)
	c.versions("events/a", 1)
	c.versions("events/", 2)
	c.objects("events/", "", 1)
	c.objects("events/", "events/a", 9)
	c.del("events/a")
	c.read("events/a", nil)
	c.read("events/a", &c.ids[3])
	c.versions("events/", 3)
	c.objects("events/", "", 9)
}

func (c *calls) number(id *string) string { return fmt.Sprint(slices.Index(c.ids, aws.ToString(id))) }

// say notes an answer, of an error its code only.
func (c *calls) say(err error, format string, args ...any) {
	var api smithy.APIError
	switch {
	case err == nil:
		c.answers = append(c.answers, fmt.Sprintf(format, args...))
	case errors.As(err, &api):
		c.answers = append(c.answers, api.ErrorCode())
	default:
		c.t.Error(err)
	}
}

func (c *calls) put(key, body string) {
	out, err := c.api.PutObject(c.t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(awstest.BucketName), Key: &key, Body: strings.NewReader(body), Metadata: map[string]string{"n": fmt.Sprint(len(c.ids))},
	})
	if err == nil {
		c.ids = append(c.ids, *out.VersionId)
	}
	c.say(err, "put")
}

func (c *calls) read(key string, id *string) {
	head, err := c.api.HeadObject(c.t.Context(), &s3.HeadObjectInput{Bucket: aws.String(awstest.BucketName), Key: &key, VersionId: id})
	if err == nil {
		c.say(nil, "head %s %v %d", c.number(head.VersionId), head.Metadata, *head.ContentLength)
	} else {
		c.say(err, "")
	}
	got, err := c.api.GetObject(c.t.Context(), &s3.GetObjectInput{Bucket: aws.String(awstest.BucketName), Key: &key, VersionId: id})
	if err != nil {
		c.say(err, "")
		return
	}
	body, err := io.ReadAll(got.Body)
	c.say(err, "get %s %v %s", c.number(got.VersionId), got.Metadata, body)
	if err := got.Body.Close(); err != nil {
		c.t.Error(err)
	}
}

func (c *calls) versions(prefix string, most int32) {
	in := &s3.ListObjectVersionsInput{Bucket: aws.String(awstest.BucketName), Prefix: &prefix, MaxKeys: &most}
	for more := true; more; {
		out, err := c.api.ListObjectVersions(c.t.Context(), in)
		if err != nil {
			c.say(err, "")
			return
		}
		for _, v := range out.Versions {
			c.say(nil, "version %s of %s, %d bytes, latest: %v", c.number(v.VersionId), *v.Key, *v.Size, *v.IsLatest)
		}
		for _, d := range out.DeleteMarkers {
			c.say(nil, "delete marker of %s, latest: %v", *d.Key, *d.IsLatest)
		}
		in.KeyMarker, in.VersionIdMarker = out.NextKeyMarker, out.NextVersionIdMarker
		more = aws.ToBool(out.IsTruncated)
		c.say(nil, "more: %v", more)
	}
}

func (c *calls) objects(prefix, after string, most int32) {
	out, err := c.api.ListObjectsV2(c.t.Context(), &s3.ListObjectsV2Input{
		Bucket: aws.String(awstest.BucketName), Prefix: &prefix, StartAfter: &after, MaxKeys: &most,
	})
	if err != nil {
		c.say(err, "")
		return
	}
	for _, o := range out.Contents {
		c.say(nil, "object %s, %d bytes", *o.Key, *o.Size)
	}
	c.say(nil, "more: %v", aws.ToBool(out.IsTruncated))
}
