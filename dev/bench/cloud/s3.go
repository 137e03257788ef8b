package cloud

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

func s3Operation(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case r.Method == http.MethodPut:
		return "PutObject"
	case r.Method == http.MethodHead:
		return "HeadObject"
	case q.Has("versions"):
		return "ListObjectVersions"
	case q.Has("list-type"):
		return "ListObjectsV2"
	default:
		return "GetObject"
	}
}

const metaPrefix = "X-Amz-Meta-"

func (c *Cloud) serveS3(w http.ResponseWriter, r *http.Request, op string) {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	var err error
	switch op {
	case "PutObject":
		err = c.putObject(w, r, key)
	case "GetObject", "HeadObject":
		err = c.object(w, r, key, op)
	case "ListObjectVersions":
		err = c.listVersions(w, r)
	default:
		err = c.listObjects(w, r)
	}
	if err != nil {
		refuseS3(w, r, err)
	}
}

func (c *Cloud) putObject(w http.ResponseWriter, r *http.Request, key string) error {
	c.stored.Add(r.ContentLength)
	meta := map[string]string{}
	for name, values := range r.Header {
		if strings.HasPrefix(name, metaPrefix) {
			meta[strings.ToLower(strings.TrimPrefix(name, metaPrefix))] = values[0]
		}
	}
	out, err := c.opts.Bucket.PutObject(r.Context(), &s3.PutObjectInput{Key: &key, Body: r.Body, Metadata: meta})
	if err == nil {
		w.Header().Set("X-Amz-Version-Id", aws.ToString(out.VersionId))
	}
	return err
}

func (c *Cloud) object(w http.ResponseWriter, r *http.Request, key, op string) error {
	var version *string
	if id := r.URL.Query().Get("versionId"); id != "" {
		version = &id
	}
	h := w.Header()
	if op == "HeadObject" {
		out, err := c.opts.Bucket.HeadObject(r.Context(), &s3.HeadObjectInput{Key: &key, VersionId: version})
		if err == nil {
			h.Set("Last-Modified", aws.ToTime(out.LastModified).UTC().Format(http.TimeFormat))
			describe(h, out.Metadata, out.VersionId)
		}
		return err
	}
	out, err := c.opts.Bucket.GetObject(r.Context(), &s3.GetObjectInput{Key: &key, VersionId: version})
	if err != nil {
		return err
	}
	body, err := io.ReadAll(out.Body)
	if err != nil {
		return err
	}
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body))
	h.Set("X-Amz-Checksum-Crc32", base64.StdEncoding.EncodeToString(sum)) // the client checks it
	describe(h, out.Metadata, out.VersionId)
	_, _ = w.Write(body) // this fails only if the caller has disconnected
	return nil
}

func describe(h http.Header, meta map[string]string, version *string) {
	h.Set("X-Amz-Version-Id", aws.ToString(version))
	for name, value := range meta {
		h.Set(metaPrefix+name, value)
	}
}

func refuseS3(w http.ResponseWriter, r *http.Request, err error) {
	var api smithy.APIError
	code, status := "InternalError", http.StatusInternalServerError
	if errors.As(err, &api) {
		code, status = api.ErrorCode(), http.StatusBadRequest
		switch code {
		case "NoSuchKey", "NoSuchVersion", "NotFound":
			status = http.StatusNotFound
		case "MethodNotAllowed":
			status = http.StatusMethodNotAllowed
		}
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code)
	}
}

// listed is an object, a version or a delete marker of a list.
type listed struct {
	Key          string
	VersionId    string `xml:",omitempty"`
	IsLatest     bool
	LastModified string
	Size         int64
}

type versionList struct {
	XMLName             xml.Name `xml:"ListVersionsResult"`
	IsTruncated         bool
	NextKeyMarker       string   `xml:",omitempty"`
	NextVersionIdMarker string   `xml:",omitempty"`
	DeleteMarkers       []listed `xml:"DeleteMarker"`
	Versions            []listed `xml:"Version"`
}

type objectList struct {
	XMLName     xml.Name `xml:"ListBucketResult"`
	IsTruncated bool
	Contents    []listed
}

func (c *Cloud) listVersions(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	in := &s3.ListObjectVersionsInput{Prefix: given(q.Get("prefix")), KeyMarker: given(q.Get("key-marker")),
		VersionIdMarker: given(q.Get("version-id-marker")), MaxKeys: most(q.Get("max-keys"))}
	page, err := c.opts.Bucket.ListObjectVersions(r.Context(), in)
	if err != nil {
		return err
	}
	out := versionList{IsTruncated: aws.ToBool(page.IsTruncated), NextKeyMarker: aws.ToString(page.NextKeyMarker),
		NextVersionIdMarker: aws.ToString(page.NextVersionIdMarker)}
	for _, v := range page.Versions {
		out.Versions = append(out.Versions, listed{
			*v.Key, *v.VersionId, aws.ToBool(v.IsLatest), stamp(v.LastModified), aws.ToInt64(v.Size),
		})
	}
	for _, m := range page.DeleteMarkers {
		out.DeleteMarkers = append(out.DeleteMarkers, listed{
			*m.Key, *m.VersionId, aws.ToBool(m.IsLatest), stamp(m.LastModified), 0,
		})
	}
	return xml.NewEncoder(w).Encode(out)
}

func (c *Cloud) listObjects(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	page, err := c.opts.Bucket.ListObjectsV2(r.Context(), &s3.ListObjectsV2Input{
		Prefix: given(q.Get("prefix")), StartAfter: given(q.Get("start-after")), MaxKeys: most(q.Get("max-keys"))})
	if err != nil {
		return err
	}
	out := objectList{IsTruncated: aws.ToBool(page.IsTruncated)}
	for _, o := range page.Contents {
		out.Contents = append(out.Contents, listed{
			Key: *o.Key, LastModified: stamp(o.LastModified), Size: aws.ToInt64(o.Size),
		})
	}
	return xml.NewEncoder(w).Encode(out)
}

func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func most(s string) *int32 {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n == 0 {
		n = 1000
	}
	return aws.Int32(int32(n))
}

func stamp(t *time.Time) string { return aws.ToTime(t).UTC().Format("2006-01-02T15:04:05.000Z") }
