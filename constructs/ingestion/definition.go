package ingestion

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/asl"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// DefinitionOptions go with a workflow in the Amazon States Language.
type DefinitionOptions struct {
	// Substitutions are the values of ${name} in the definition, such as ARNs and names of other constructs. They
	// replace placeholders in all strings, including names of members, and may be tokens. A name may be any string,
	// such as my-bucket, Table.Arn or AWS::Partition. Every placeholder needs a value; a value without a placeholder is
	// a warning. In JSON, a placeholder may stand without quotes, as in "Seconds": ${n}; its value is then JSON. In
	// YAML it is so in the fields of the language that take a number, or true or false. Placeholders inside a value are
	// not replaced.
	//
	// Default: none.
	Substitutions *map[string]*string

	// Policies are statements for the state machine's role, for the tasks of the definition. CDK grants also work,
	// after the ingestion is created: table.GrantReadData(listings.StateMachine). A Distributed Map may start its own
	// executions in any case.
	//
	// Default: none; the role may invoke Record and Publish.
	Policies *[]awsiam.PolicyStatement
}

// FromDefinition makes a workflow of a string in the Amazon States Language, in JSON or YAML, with everything that the
// language has. It may hold tokens, in strings and as numbers. options may be nil.
//
// Record goes before StartAt and Publish after every top-level "End": true, but for ends that a Catch alone leads to.
// Succeed and Fail stay. The names Record and Publish are reserved, in nested states too, and so is the variable
// ingestion. The Timeout prop replaces TimeoutSeconds. A top-level QueryLanguage JSONata moves into the states, because
// Record and Publish speak JSONPath.
//
// A definition that takes more than 200,000 bytes of the template becomes an asset in S3, because a template holds 1 MB
// in all.
func FromDefinition(definition *string, options *DefinitionOptions) Workflow {
	return document{name: "Workflow definition", text: or(definition, ""), options: options}
}

// FromDefinitionFile is FromDefinition for a file, such as workflow.asl.json or workflow.asl.yaml. The path is relative
// to the directory in which the app runs.
func FromDefinitionFile(path *string, options *DefinitionOptions) Workflow {
	name := or(path, "")
	b, err := os.ReadFile(name) //nolint:gosec // the caller's own file
	return document{
		name:    "Workflow definition " + name,
		text:    string(b),
		yaml:    slices.Contains([]string{".yaml", ".yml"}, strings.ToLower(filepath.Ext(name))),
		unread:  err,
		options: options,
	}
}

// document may be used for several ingestions: each parses it anew.
type document struct {
	name    string // begins every message
	text    string
	yaml    bool // by the name of the file
	unread  error
	options *DefinitionOptions
}

func (w document) maxEventBytes() int { return replay.MaxEventBytes }

func (w document) states() int {
	doc, err := w.parse()
	if err != nil {
		panic(err) // validate has refused it
	}
	return doc.States()
}

func (w document) validate() []error {
	var f faults
	if w.unread != nil {
		f.add("%s cannot be read: %w", w.name, w.unread)
		return f
	}
	if strings.HasPrefix(strings.TrimSpace(w.text), tokenMark) {
		f.add("%s must be known when the app synthesizes, got a token", w.name)
		return f
	}
	substitutions := or(w.given().Substitutions, nil)
	for _, name := range slices.Sorted(maps.Keys(substitutions)) {
		if substitutions[name] == nil {
			f.add("%s has no value for Substitutions[%q], got nil", w.name, name)
		}
	}
	for i, p := range or(w.given().Policies, nil) {
		if isNil(p) {
			f.add("%s has no statement in Policies[%d], got nil", w.name, i)
		}
	}
	doc, err := w.parse()
	for _, fault := range each(err) {
		f = append(f, fmt.Errorf("%s %w", w.name, fault))
	}
	if err == nil {
		if n := len(doc.Encode(nil, nil)); n > asl.MaxBytes {
			f.add("%s has %d bytes without white space, Step Functions takes %d: move a part into a state machine of its own",
				w.name, n, asl.MaxBytes)
		}
	}
	return f
}

func (w document) given() DefinitionOptions { return or(w.options, DefinitionOptions{}) }

func (w document) parse() (*asl.Document, error) {
	values := map[string]string{}
	for name, value := range or(w.given().Substitutions, nil) {
		values[name] = withTokens(or(value, ""))
	}
	return asl.Parse(withTokens(w.text), asl.Options{
		Substitutions: values,
		States:        []string{schema.RecordState, schema.PublishState},
		Variables:     []string{variable},
		YAML:          w.yaml,
	})
}

// numberToken matches the numbers in which CDK hides values that are known later.
var numberToken = regexp.MustCompile(`-1\.8881545\d+[eE]\+?289`)

// withTokens puts string tokens in the place of numbers that are tokens.
func withTokens(text string) string {
	return numberToken.ReplaceAllStringFunc(text, func(found string) string {
		n, err := strconv.ParseFloat(found, 64)
		if err != nil || !*awscdk.Token_IsUnresolved(n) {
			return found
		}
		return *awscdk.Token_AsString(n, nil)
	})
}

// splice renders Record and Publish as CDK does, so that they are the same in every form of workflow.
func (w document) splice(
	scope constructs.Construct, record, publish awsstepfunctions.TaskStateBase, timeout awscdk.Duration,
) spliced {
	doc, err := w.parse()
	if err != nil {
		panic(err) // validate has refused it
	}
	open := doc.Splice(schema.RecordState, rendered(record), schema.PublishState, rendered(publish))
	if open > 0 {
		record.Next(publish)
	} else {
		warnNeverPublishes(publish)
	}
	if len(doc.Unused) > 0 {
		warn(scope, "UnusedSubstitutions", fmt.Sprintf("%s has no placeholder for %s: use them as ${name}, or take them "+
			"out of Substitutions", w.name, strings.Join(doc.Unused, ", ")))
	}
	tasks := awsstepfunctions.NewStateGraph(record.StartState(), jsii.String("Record and Publish"))
	statements := slices.Concat(*tasks.PolicyStatements(), or(w.given().Policies, nil))
	out := render(awscdk.Stack_Of(scope), doc, timeout)
	out.statements, out.distributed = statements, doc.DistributedMaps()
	return out
}

// rendered is a state as CDK renders it.
func rendered(task awsstepfunctions.TaskStateBase) *asl.Object {
	return asl.NewObject(*task.ToStateJson(awsstepfunctions.QueryLanguage_JSON_PATH))
}

// each returns the errors that were joined.
func each(err error) []error {
	if err == nil {
		return nil
	}
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, each(e)...)
	}
	return all
}
