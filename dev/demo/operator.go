package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/replay"
)

// operated is what replayctl said.
type operated struct {
	code      exit.Code
	data, log string // standard output and error
}

// operate runs replayctl as an operator does, in this process, and shows the command line.
func (d *demo) operate(ctx context.Context, in string, args ...string) operated {
	words := slices.Clone(args)
	for i, w := range words {
		if strings.ContainsAny(w, " {[*'") {
			words[i] = "'" + w + "'"
		}
	}
	d.say("  $ replayctl %s", strings.Join(words, " "))
	var data, log bytes.Buffer
	code := ctl.Main(ctx, factory.Process{
		Args: args, In: strings.NewReader(in), Out: &data, Err: &log,
		Env: func(name string) string {
			if name == "REPLAYCTL_API_URL" {
				return d.APIURL
			}
			return ""
		},
		LoadAWS: func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error) { return d.AWSConfig, nil },
		Now:     time.Now, Zone: time.UTC,
	})
	return operated{code, data.String(), log.String()}
}

// must fails unless replayctl ended as it should.
func (o operated) must(code exit.Code) error {
	if o.code != code {
		return fmt.Errorf("replayctl ended with %d, want %d:\n%s%s", o.code, code, o.data, o.log)
	}
	return nil
}

// run runs replayctl, which must succeed.
func (d *demo) run(ctx context.Context, args ...string) (operated, error) {
	said := d.operate(ctx, "", args...)
	return said, said.must(exit.OK)
}

// runAndShow runs replayctl, which must succeed, and shows what it said.
func (d *demo) runAndShow(ctx context.Context, args ...string) (operated, error) {
	said, err := d.run(ctx, args...)
	if err == nil {
		d.show(said.data)
	}
	return said, err
}

// show writes what replayctl said.
func (d *demo) show(data string) {
	for line := range strings.Lines(data) {
		d.say("    %s", strings.TrimRight(line, "\n"))
	}
}

var replayID = regexp.MustCompile(`\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b`)

// replay runs `replayctl replay` or `republish`, waits for its end, and returns its counts. Each item must succeed.
func (d *demo) replay(ctx context.Context, in string, args ...string) (replay.Counts, error) {
	said := d.operate(ctx, in, append(args, "--yes", "--wait")...)
	if err := said.must(exit.OK); err != nil {
		return replay.Counts{}, err
	}
	for line := range strings.Lines(said.data) {
		if strings.HasPrefix(line, "status") || strings.HasPrefix(line, "items") || strings.HasPrefix(line, "completed") {
			d.say("    %s", strings.TrimSpace(line))
		}
	}
	r, err := d.replayOf(ctx, said.data)
	if err == nil && (r.Status != replay.Completed || r.Counts.Matched == 0 || r.Counts.Succeeded != r.Counts.Matched) {
		err = fmt.Errorf("replay %s (%s) is %s with %+v, want every item succeeded", r.ReplayID, r.Reason, r.Status, r.Counts)
	}
	return r.Counts, err
}

// replayOf reads the replay whose id replayctl has said.
func (d *demo) replayOf(ctx context.Context, data string) (r replay.Replay, err error) {
	id := replayID.FindString(data)
	if id == "" {
		return r, fmt.Errorf("replayctl named no replay: %s", data)
	}
	return d.API.Replays.Get(ctx, id)
}

// plan shows what a command would do.
func (d *demo) plan(ctx context.Context, args ...string) error {
	said, err := d.runAndShow(ctx, append(args, "--dry-run")...)
	if err != nil {
		return err
	}
	_, err = io.WriteString(d.out, "    "+said.log[strings.LastIndex(strings.TrimSpace(said.log), "\n")+1:])
	return err
}
