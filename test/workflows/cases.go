// Package workflows holds workflows that cover the Amazon States Language. Its tests deploy each of them twice, as an
// ingestion and bare, and run it: recorded, failing and replayed.
package workflows

import (
	"embed"
	"slices"
	"strings"
)

// Files are the definitions.
//
//go:embed testdata/*.asl.json
var Files embed.FS

// Case is one workflow and what becomes of its events. In events and outputs, ID is the resource's id; events have it
// as "id" besides.
type Case struct {
	Name string // in camel case: a construct id
	File string // in testdata, without .asl.json; none for one that is made of CDK states or of a state machine
	Like string // the name of a case that this one repeats in another form: it has the same bare workflow

	// Ends are the top-level states after which the output is published.
	Ends []string

	Good string // an event that succeeds
	Want string // what is published then; "" for nothing

	Bad     string // an event that fails
	Error   string // how; "" if it times out
	Patch   string // corrects Bad in a replay by API, as a JSON merge patch; "" if Bad heals in an automatic replay
	WantBad string // what is published by the replay. Default: Want

	// Fails are other events that fail, with their errors. They are not replayed.
	Fails map[string]string
	// Quiet are events that succeed and publish nothing.
	Quiet []string
	// More are events that succeed by other ways through the workflow, with what they publish.
	More map[string]string
	// Bare replaces what only an ingestion has, in the bare workflow: old, new, …
	Bare []string
	// NotRun is why the emulator does not run it: it is deployed and linted only.
	NotRun string
	// Exempt is why the count of state transitions is not compared.
	Exempt string
}

// Placeholders of the definitions, and the names behind them. Names are fixed, so that stacks need not wait for each
// other.
const (
	WorkerName = "workflows-worker"
	TableName  = "workflows"
	QueueName  = "workflows"
	BucketName = "workflows-names"
)

// NamesKey is the object that map-reader and services read.
const (
	NamesKey  = "names.json"
	NamesBody = `[{"name":"Ada"},{"name":"Bob"}]`
)

// Event is an event for a resource.
func Event(text, id string) string {
	text = strings.ReplaceAll(text, "ID", id)
	if text == "{}" {
		return `{"id":"` + id + `"}`
	}
	return `{"id":"` + id + `",` + text[1:]
}

// Cases returns every workflow.
func Cases() []Case {
	return append(append(definitions(), statesOfCDK()...), machines()...)
}

const noSplice = "an existing state machine is not spliced: it costs the states around it"

func definitions() []Case {
	return []Case{
		{Name: "Pass", File: "pass", Ends: []string{"Keep"},
			Good: `{"listing":{"price":5}}`, Want: `{"id":"ID","price":5,"serial":12345678901234567890,"fixed":{"list":[1,{"n":5}]}}`,
			Bad: `{}`, Error: "States.Runtime", Patch: `{"listing":{"price":5}}`},
		{Name: "Task", File: "task", Ends: []string{"Again"},
			Good: `{"listing":{"price":5,"fail":""}}`, Want: `{"price":20}`,
			Bad: `{"listing":{"price":5,"fail":"Refused"}}`, Error: "Refused", Patch: `{"listing":{"fail":""}}`},
		{Name: "Choice", File: "choice", Ends: []string{"Done"},
			Good: sold("sale"), Want: `{"class":"sold"}`,
			More: map[string]string{`{"kind":"lease"}`: `{"class":"rented"}`, `{"kind":"rent by day"}`: `{"class":"rented"}`},
			Bad:  sold(7), Error: "UnknownKind", Patch: `{"kind":"sale"}`},
		{Name: "ChoiceJsonata", File: "choice-jsonata", Ends: []string{"Done"},
			Good: `{"price":101,"kind":"flat"}`, Want: `{"class":"dear","kind":"flat"}`,
			More: map[string]string{`{"price":5,"kind":"garden"}`: `{"class":"small","kind":"garage"}`},
			Bad:  `{"price":5,"kind":"house"}`, Error: "UnknownH", Patch: `{"price":500}`, WantBad: `{"class":"dear","kind":"house"}`},
		{Name: "Map", File: "map", Ends: []string{"Each"},
			Good: lines(""), Want: `{"lines":["0: 6 EUR","1: 10 EUR","2: 14 EUR"],"count":3}`,
			Bad: lines("Busy"), Error: "Busy", Patch: `{"order":` + order("") + `}`},
		{Name: "MapIterator", File: "map-iterator", Ends: []string{"Each"},
			Good: `{"lines":[1,2,3],"factor":10}`, Want: `[11,12,13]`,
			Bad: `{"lines":[1,0],"factor":10}`, Error: "BadLine", Patch: `{"lines":[5]}`, WantBad: `[15]`},
		{Name: "MapDistributed", File: "map-distributed", Ends: []string{"Batches"},
			Good: `{"lines":[1,2,3,-4,-5,-6],"replay":false,"tolerated":40}`,
			Want: `{"batches":[{"first":1,"size":2,"of":"ID"},{"first":3,"size":2,"of":"ID"}]}`,
			Bad:  `{"lines":[1,2,-3],"replay":false,"tolerated":0}`, Error: "States.ExceedToleratedFailureThreshold", Patch: `{"lines":[7]}`,
			WantBad: `{"batches":[{"first":7,"size":1,"of":"ID"}]}`},
		{Name: "MapReader", File: "map-reader", Ends: []string{"Each"},
			Good: `{"key":"names.json"}`, Want: `["Ada","Bob"]`,
			Bad: `{"key":"nothing.json"}`, Error: "States.ItemReaderFailed", Patch: `{"key":"names.json"}`},
		{Name: "Parallel", File: "parallel", Ends: []string{"Pick"},
			Good: `{"price":5,"fail":""}`, Want: `{"double":10,"plain":5}`,
			Bad: `{"price":5,"fail":"Refused"}`, Error: "Refused", Patch: `{"fail":""}`},
		{Name: "Nested", File: "nested", Ends: []string{"Outer"},
			Good: rooms(""), Want: `[[[2,"a"],[4,"b"]],"some"]`,
			More: map[string]string{`{"rooms":[]}`: `[[],"ID"]`},
			Bad:  rooms("Refused"), Error: "Refused", Patch: `{"rooms":[]}`, WantBad: `[[],"ID"]`},
		{Name: "CatchRecovers", File: "catch-recovers", Ends: []string{"Done"},
			Good: `{"price":5,"fail":""}`, Want: `{"double":10}`,
			More: map[string]string{`{"price":5,"fail":"PriceUnknown"}`: `{"double":0}`},
			Bad:  `{"price":5,"fail":"Hopeless"}`, Error: "GaveHopeless", Patch: `{"fail":"PriceUnknown"}`, WantBad: `{"double":0}`},
		{Name: "CatchEnds", File: "catch-ends", Ends: []string{"All"},
			Good: `{"price":5,"fail":""}`, Want: `{"double":10}`,
			Quiet: []string{`{"price":5,"fail":"Refused"}`},
			Bad:   `{"price":5,"fail":"Busy"}`, Error: "Busy", Patch: `{"fail":""}`},
		{Name: "Retry", File: "retry", Ends: []string{"Try"},
			Good: `{"price":5,"worksAt":2}`, Want: `10`,
			Bad: `{"price":5,"worksAt":3}`, Error: "NotYet", Patch: `{"worksAt":0}`},
		{Name: "Wait", File: "wait", Ends: []string{"TimestampPath"},
			Good: `{"pause":1,"at":"2015-05-27T00:00:00Z"}`, Want: `"2015-05-27T00:00:00Z"`,
			Bad: `{"at":"2015-05-27T00:00:00Z"}`, Error: "States.Runtime", Patch: `{"pause":1}`},
		{Name: "Timeout", File: "timeout", Ends: []string{"Done"},
			Good: `{"pause":1}`, Want: `{"id":"ID","pause":1}`,
			Bad: `{"pause":600}`, Patch: `{"pause":0}`, WantBad: `{"id":"ID","pause":0}`},
		{Name: "Intrinsics", File: "intrinsics", Ends: []string{"Compute"},
			Good: `{"a":1,"list":[2,3,3],"one":{"x":1,"y":1},"two":{"y":2}}`,
			Want: `{"array":[1,2,"three",true,null],"partition":[[2,3],[3]],"contains":true,"range":[1,5,9],"item":3,"length":3,
				"unique":[2,3],"base64":"quiet","hash":"11f6ad8ec52a2984abaafd7c3b516503785c2072","merged":{"x":1,"y":2},
				"parsed":{"x":1,"y":1},"sum":0,"split":["a","b","c"],"text":"1 and {it's 2}"}`,
			Bad: `{"a":1,"list":[2],"one":{"x":1,"y":1},"two":{"y":2}}`, Error: "States.Runtime", Patch: `{"list":[2,3,3]}`},
		{Name: "Variables", File: "variables", Ends: []string{"Done"},
			Good: `{"price":5,"lines":[3]}`, Want: `{"price":6,"double":10,"inside":"6/3","chosen":"double","fixed":7}`,
			Bad: `{"price":5,"lines":[]}`, Error: "States.Runtime", Patch: `{"lines":[3]}`},
		{Name: "VariablesJsonata", File: "variables-jsonata", Ends: []string{"Done"},
			Good: `{"price":5,"fail":"","lines":[{"n":1},{"n":2},{"n":3}]}`,
			Want: `{"double":10,"sum":5,"last":{"value":5,"double":10},"name":"Done"}`,
			More: map[string]string{`{"price":5,"fail":"PriceUnknown","lines":[{"n":2},{"n":3}]}`: `{"double":0,"sum":5,"last":{"trouble":"PriceUnknown"},"name":"Done"}`},
			Bad:  `{"price":5,"fail":"Refused","lines":[{"n":2},{"n":3}]}`, Error: "Refused", Patch: `{"fail":""}`},
		{Name: "MapJsonata", File: "map-jsonata", Ends: []string{"Both"},
			Good: `{"lines":[{"n":1},{"n":2}],"most":9}`, Want: `{"ends":[10,21],"sum":31}`,
			Bad: `{"lines":[{"n":1},{"n":2}],"most":1}`, Error: "TooLarge", Patch: `{"most":9}`},
		{Name: "Ingestion", File: "ingestion", Ends: []string{"Done"},
			Good: `{"fail":false}`, Want: `{"resource":"ID","same":"ID","fail":false}`,
			Bad: `{"fail":true}`, Error: "AskedTo", Patch: `{"fail":false}`,
			Bare: []string{`"$ingestion.resourceId"`, `"$.id"`, `$ingestion.resourceId`, `$states.input.resource`}},
		{Name: "IsReplay", File: "is-replay", Ends: []string{"Told", "Quiet"},
			Good: `{"fail":false}`, Want: `{"id":"ID","fail":false,"told":true}`,
			Bad: `{"fail":true}`, Error: "StockServiceUnavailable", WantBad: `{"id":"ID","fail":true,"told":false}`},
		{Name: "IsReplayJsonata", File: "is-replay-jsonata", Ends: []string{"Done"},
			Good: `{"fail":false}`, Want: `{"id":"ID","told":true}`,
			Bad: `{"fail":true}`, Error: "StockServiceUnavailable", WantBad: `{"id":"ID","told":false}`},
		{Name: "Services", File: "services", Ends: []string{"Done"},
			Good: `{"price":5,"suffix":""}`, Want: `{"price":"5","bytes":31}`,
			Bad:   `{"price":5,"suffix":"-nowhere"}`,
			Error: "Sqs.ServiceException", // Sqs.QueueDoesNotExistException on AWS
			Patch: `{"suffix":""}`},
		{Name: "Exits", File: "exits", Ends: []string{"Done"},
			Good: `{"price":5}`, Want: `5`, Quiet: []string{`{"price":0}`},
			Bad: `{"price":-1}`, Error: "NegativePrice", Patch: `{"price":1}`, WantBad: `1`},
		{Name: "Token", File: "token", Ends: []string{"Ask"},
			Good: `{"price":5,"fail":""}`, Want: `{"value":5,"double":10}`,
			Bad: `{"price":5,"fail":"Refused"}`, Error: "Refused", Patch: `{"fail":""}`},
		{Name: "Loop", File: "loop", Ends: []string{"Done"},
			Good: `{"until":3}`, Want: `{"rounds":3}`,
			Bad: `{"until":9}`, Error: "Endless", Patch: `{"until":0}`, WantBad: `{"rounds":0}`},
		{Name: "Mixed", File: "mixed", Ends: []string{"OldAgain"},
			Good: `{"price":5,"fail":""}`, Want: `{"all":[2,4,6],"last":6,"price":5}`,
			Bad: `{"price":5,"fail":"Refused"}`, Error: "Refused", Patch: `{"fail":""}`},
		{Name: "SeveralEnds", File: "several-ends", Ends: []string{"ByMap", "ByParallel", "ByTask", "ByWait"},
			Good: `{"end":"task"}`, Want: `{"value":4,"double":8}`,
			More: map[string]string{`{"end":"wait"}`: `{"id":"ID","end":"wait"}`, `{"end":"map","lines":[1,2]}`: `[1,2]`,
				`{"end":"parallel"}`: `[{"id":"ID","end":"parallel"}]`},
			Bad: `{"end":""}`, Error: "NoSuchEnd", Patch: `{"end":"task"}`},
		{Name: "Elsewhere", File: "elsewhere", Ends: []string{"Elsewhere"},
			NotRun: "the emulator has no HTTP tasks, reads and writes the items of Distributed Maps as JSON only, and has one account"},
		{Name: "Large", File: "large", Ends: []string{"Pick"},
			Good: `{"price":5,"fail":""}`, Want: `{"double":10,"plain":5}`, Like: "Parallel",
			Bad: `{"price":5,"fail":"Refused"}`, Error: "Refused", Patch: `{"fail":""}`},
	}
}

// statesOfCDK are some of the definitions again, as CDK states.
func statesOfCDK() []Case {
	var all []Case
	for _, c := range definitions() {
		if slices.Contains([]string{"Exits", "CatchEnds", "Map"}, c.Name) {
			c.Like, c.Name, c.File = c.Name, "Chain"+c.Name, ""
			all = append(all, c)
		}
	}
	return all
}

// machines are existing state machines.
func machines() []Case {
	return []Case{
		{Name: "Standard", Ends: []string{"Run"}, Exempt: noSplice,
			Good: `{"price":5}`, Want: `5`,
			Bad:   `{"price":-1}`,
			Error: "States.TaskFailed", // the child's own is in the cause
			Patch: `{"price":1}`, WantBad: `1`},
		{Name: "Express", Ends: []string{"Output"}, Exempt: noSplice,
			Good: `{"price":5,"pause":0,"serial":12345678901234567890}`, Want: `{"id":"ID","price":5,"pause":0,"serial":12345678901234567890}`,
			Bad: `{"price":-1,"pause":0}`, Error: "NegativePrice", Patch: `{"price":1}`, WantBad: `{"id":"ID","price":1,"pause":0}`,
			Fails: map[string]string{`{"price":1,"pause":600}`: "States.Timeout"}},
	}
}

func sold(kind any) string {
	k := `7`
	if text, ok := kind.(string); ok {
		k = `"` + text + `"`
	}
	return `{"kind":` + k + `,"price":7,"most":7,"least":0,"sold":true,"final":true,"nothing":null,"at":"2015-05-27T00:00:00Z",` +
		`"until":"2015-05-27T00:00:00Z","name":"flat","first":"a"}`
}

func order(fail string) string {
	return `{"currency":"EUR","lines":[{"price":3,"fail":""},{"price":5,"fail":"` + fail + `"},{"price":7,"fail":""}]}`
}

func lines(fail string) string { return `{"order":` + order(fail) + `}` }

func rooms(fail string) string {
	return `{"rooms":[{"name":"a","area":1,"fail":""},{"name":"b","area":2,"fail":"` + fail + `"}]}`
}
