package ingestion

// The versions of github.com/aws/aws-cdk-go/awscdk/v2 that this package is built, vetted and synthesized with, in
// test/consumer. Versions between work; a newer one is tried by make cdk-latest.
const (
	// OldestCDK is what go.mod requires. Before it, awscdk does not compile with the constructs library that is needed.
	OldestCDK = "v2.240.0"
	// NewestCDK is the newest version that was tried.
	NewestCDK = "v2.276.0"
)
