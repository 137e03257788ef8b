package ingestion

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

const (
	// maxName is the most characters that CloudWatch takes as the value of a dimension.
	maxName = 255
	// maxPath leaves room for the rest of a description, which may have 512 characters.
	maxPath = 256
)

// uniqueName tells this ingestion from every other of the account and Region: it follows from the path.
func (r *ReplayableIngestion) uniqueName() *string {
	return r.kept("unique name", func() *string {
		return awscdk.Names_UniqueResourceName(r, &awscdk.UniqueResourceNameOptions{MaxLength: jsii.Number(maxName)})
	})
}

// path is where the construct is, as people read it in descriptions. Of a very long one it is the end.
func (r *ReplayableIngestion) path() string {
	path := []rune(*r.kept("path", func() *string { return r.Node().Path() }))
	if len(path) <= maxPath {
		return string(path)
	}
	return "…" + string(path[len(path)-maxPath+1:])
}
