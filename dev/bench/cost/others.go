package cost

// Way is one way to store events, retry failures and replay.
type Way struct {
	Name                       string
	Ingested, Failed, Replayed Usage
	Lacks                      string
}

// Ours is the usage of the construct per event.
func (w Workload) Ours() Way {
	return Way{
		Name: "ReplayableIngestion", Ingested: w.Ingested.Usage(2), Failed: w.Failed.Usage(2), Replayed: w.Replayed.Usage(2),
	}
}

// Ways are the construct and its alternatives, per event. Each has a state machine that publishes its output in a
// separate last state: one transition and one message. None includes the user's own states.
func (w Workload) Ways() []Way {
	size := w.Ingested.Object / 2 // an event and its output are kept
	run := Usage{"transition": 1, "sns": 1, "trace": sampled / 2}
	// A failed execution goes through a rule into a queue, and a function of 512 MB restarts it. That is the usual
	// first solution.
	restart := Usage{"sqs": 1 + 0.1 + 0.1, "invocation": 0.1, "gbs": 0.1 * 0.2 * 0.5, "logs": 0.1 * platformLines / 1e9}
	kept := (size + envelopeBytes) / 1e9
	bus := Usage{"event": 1, "archived": kept, "archivemonth": kept}
	row := Usage{"transition": 1, "wru": 1, "ddbmonth": (size + envelopeBytes) / 1e9, "pitr": (size + envelopeBytes) / 1e9}
	// A function reads a page of items of about 1 KB each with a query, and starts an execution for each.
	starts := Usage{"rru": 0.25, "invocation": 0.1, "gbs": 0.1 * 0.2 * 0.5, "logs": 0.1 * platformLines / 1e9}
	rounded := 1024.0 / 1e9 // each record counts as 1 KB at least
	reader := Usage{"kinesisout": rounded, "invocation": 0.1, "gbs": 0.1 * 0.2 * 0.5, "logs": 0.1 * platformLines / 1e9}
	stream := Usage{"kinesisin": rounded, "kinesismonth": rounded * 7 / 30}
	return []Way{
		w.Ours(),
		{
			Name: "EventBridge archive", Ingested: bus.Plus(run), Failed: restart.Plus(run),
			Replayed: Usage{"event": 1}.Plus(run),
			Lacks: "replays a time window of everything that a rule matches, in no order; knows neither resources nor " +
				"versions nor outcomes; no stale guard, no quarantine",
		},
		{
			Name: "DynamoDB event store", Ingested: row.Plus(run), Failed: restart.Plus(run).Plus(Usage{"rru": 1, "wru": 1}),
			Replayed: starts.Plus(run),
			Lacks: "items of 400 KB at most; outcomes, guards, quarantine and an API are yours to build; one state to " +
				"write the event, as ours",
		},
		{
			Name: "Kinesis, on demand", Ingested: stream.Plus(reader).Plus(run), Failed: restart.Plus(run),
			Replayed: reader.Plus(run),
			Lacks: "keeps 7 days here, a year at most and dearer; a replay reads the stream from a position, all resources; " +
				"a record that fails holds its shard up; besides, $29 a month for the stream",
		},
	}
}
