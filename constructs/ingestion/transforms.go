package ingestion

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"

	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// maxTransforms keeps the environment of a function under Lambda's 4 KB.
const maxTransforms = 10

// transforms are functions of the user that transform events, by name.
type transforms map[string]awslambda.IFunction

func (t transforms) names() []string { return slices.Sorted(maps.Keys(t)) }

// maxOffered bounds the names in the manifest, in bytes: it has to fit an output.
const maxOffered = 300

// offered are the names that replayctl completes: none if they are too long together.
func (t transforms) offered() []string {
	names := t.names()
	if len(strings.Join(names, `","`)) > maxOffered {
		return nil
	}
	return names
}

// arns are with their qualifiers, where a version or an alias was passed.
func (t transforms) arns() map[string]string {
	arns := make(map[string]string, len(t))
	for name, fn := range t {
		arns[name] = *fn.FunctionArn()
	}
	return arns
}

// readsTransformed is to read again what a function of the user has returned.
func readsTransformed() []need {
	return []need{{
		resource: func(r *ReplayableIngestion, s *settings) *string {
			if len(s.transforms) == 0 {
				return nil
			}
			return r.objectsARN(schema.DerivedPrefix)
		},
		actions: []string{"s3:GetObject"}, via: "s3", wildcard: &anyObject,
	}}
}

// permitTransforms lets the functions that start replays invoke exactly what was passed: with a version or an alias,
// that one only.
func (r *ReplayableIngestion) permitTransforms(s *settings) {
	for _, spec := range []*functionSpec{&replayListener, &seriesBinder} {
		for _, name := range s.transforms.names() {
			allow(*spec.field(r), s.transforms[name].FunctionArn(), "lambda:InvokeFunction")
		}
	}
}

func (p *ReplayableIngestionProps) validateTransforms(f *faults) {
	if p.Transforms == nil {
		return
	}
	given := transforms(*p.Transforms)
	if n := len(given); n == 0 || n > maxTransforms {
		f.add("Transforms must have 1 to %d functions, got %d: leave it out for none", maxTransforms, n)
	}
	for _, name := range given.names() {
		if !replay.FunctionName.MatchString(name) {
			f.add("Transforms: the name %q %s", name, replay.FunctionNameRule)
		}
		if isNil(given[name]) {
			f.add("Transforms[%q] must be a function, got nothing", name)
		}
	}
}
