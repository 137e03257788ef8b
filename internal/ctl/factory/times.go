package factory

import (
	"context"
	"time"

	smithytime "github.com/aws/smithy-go/time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/when"
	"github.com/ce873799/replayable-ingestion/replay"
)

// APITime reads a time that was typed, in the form of the API. It tells which one is meant where there is a doubt.
func (f *Factory) APITime(text string) (string, error) {
	r, err := when.Parse(text, f.Moment, f.Process.Zone)
	if err != nil {
		return "", err
	}
	if r.Note != "" {
		f.Say("%s", f.PaintErr(output.Yellow, r.Note))
	}
	return r.API, nil
}

// Time reads a time that was typed.
func (f *Factory) Time(text string) (time.Time, error) {
	api, err := f.APITime(text)
	if err != nil {
		return time.Time{}, err
	}
	return replay.ParseTime(api, f.Moment)
}

// Times reads the range of --since and --until; nil for an end that is not given.
func (f *Factory) Times(since, until string) (from, to *time.Time, err error) {
	for _, end := range []struct {
		flag, value string
		into        **time.Time
	}{{"--since", since, &from}, {"--until", until, &to}} {
		if end.value == "" {
			continue
		}
		t, err := f.Time(end.value)
		if err != nil {
			return nil, nil, exit.Usagef("%s %w", end.flag, err)
		}
		*end.into = &t
	}
	if from != nil && to != nil && !from.Before(*to) {
		return nil, nil, exit.Usagef("--until must be later than --since")
	}
	return from, to, nil
}

// Age is how long ago a time was when the command began.
func (f *Factory) Age(t time.Time) string { return output.Age(int64(f.Moment.Sub(t) / time.Second)) }

// Sleep waits, or returns an error when ctx ends.
func (f *Factory) Sleep(ctx context.Context, d time.Duration) error {
	if f.Process.Sleep != nil {
		return f.Process.Sleep(ctx, d)
	}
	return smithytime.SleepWithContext(ctx, d)
}
