package workflows

import "fmt"

// The app's stacks. A stack holds at most 500 resources, an ingestion has more than 100.
const (
	SharedStack = "workflows-shared"
	PerStack    = 3
	InboxOutput = "Inbox" // the URL of a stack's queue of what is published
)

// StackName is the name of the i-th stack of ingestions.
func StackName(i int) string { return fmt.Sprintf("workflows-%d", i) }

// BareOutput is the output with the ARN of the bare workflow of a case.
func BareOutput(name string) string { return name + "BareArn" }
