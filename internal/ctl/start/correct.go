package start

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/flagname"
	"github.com/ce873799/replayable-ingestion/internal/ctl/follow"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/request"
	"github.com/ce873799/replayable-ingestion/internal/ctl/versions"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// Correction says which version is corrected, and how.
type Correction struct {
	ResourceID, Version      string
	MergePatch, JSONPatch    string
	Reason, Key              string
	AllowStale, DryRun, Wait bool
	follow.Options
}

// Run corrects a version, or shows what that would change.
func (o Correction) Run(ctx context.Context, f *factory.Factory) error {
	if o.FailOnSkipped && !o.Wait && !o.DryRun {
		return exit.Usagef("--fail-on-skipped needs --wait or --dry-run")
	}
	reads := o.MergePatch == "@-" || o.JSONPatch == "@-"
	if err := askFor(ctx, f, &o.Reason, o.DryRun, f.Process.Terminal.In && f.Process.Terminal.Err && !reads); err != nil {
		return err
	}
	r, err := o.request(f)
	if err != nil {
		return err
	}
	api, err := f.Client(ctx)
	if err != nil {
		return err
	}
	if r.VersionID, err = o.versionID(ctx, f, api); err != nil {
		return versions.NoResource(err, o.ResourceID)
	}
	key := keyOf(o.Key)
	accepted, err := api.Versions.Correct(ctx, key, r)
	if err != nil {
		return o.explain(f, err, key)
	}
	noteRepeated(f, o.Key, accepted)
	switch {
	case o.DryRun:
		plans, err := follow.Wait(ctx, f, api, []string{accepted.ReplayID}, "planning")
		if errors.Is(err, follow.ErrDetached) {
			return abandon(ctx, api, []replay.Accepted{accepted})
		}
		if err != nil {
			return err
		}
		return showPlanned(f, plans, false, o.Options)
	case o.Wait:
		f.Say("replay %s corrects version %s", accepted.ReplayID, accepted.Request.Versions.IDs[0])
		return follow.Await(ctx, f, api, []string{accepted.ReplayID}, o.Options)
	}
	if err := showAccepted(f, []replay.Accepted{accepted}); err != nil {
		return err
	}
	f.Say("follow it with: %s", f.Hint("status "+accepted.ReplayID+" --wait"))
	return nil
}

// request is what the flags say, but for the version, checked as the API does.
func (o Correction) request(f *factory.Factory) (r replay.CorrectionRequest, err error) {
	patch, err := request.TransformFlags{MergePatch: o.MergePatch, JSONPatch: o.JSONPatch}.Read(f)
	if err != nil {
		return r, err
	}
	if patch == nil {
		return r, exit.Usagef("--merge-patch or --json-patch is required: it says what is to be right")
	}
	r = replay.CorrectionRequest{
		ResourceID: o.ResourceID, Transform: patch, AllowStale: o.AllowStale, DryRun: o.DryRun,
		Reason: strings.TrimSpace(o.Reason),
	}
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(r); err != nil {
		return r, err
	}
	_, err = replay.DecodeCorrection(body.Bytes())
	return r, request.Faults(err)
}

// versionID is the id of the version that is meant, empty for the latest.
func (o Correction) versionID(ctx context.Context, f *factory.Factory, api *client.Client) (string, error) {
	spec, err := versions.Parse(f, o.Version)
	if err != nil || o.Version == "" || spec.ID() != "" {
		return spec.ID(), err
	}
	found, err := versions.Find(ctx, f, api, o.ResourceID, spec)
	if err != nil {
		return "", err
	}
	return found[0].VersionID, nil
}

func (o Correction) explain(f *factory.Factory, err error, key string) error {
	if client.NotFound(err) && o.Version == "" {
		return versions.NoResource(err, o.ResourceID)
	}
	e := f.Explain(err)
	if e.Code == exit.Unreachable {
		e.Do = append(e.Do, "it may have been accepted: "+
			"the same command with --idempotency-key "+key+" returns the same replay")
	}
	var refused *client.RefusedError
	if errors.As(err, &refused) && (refused.Status == http.StatusNotFound || refused.Status == http.StatusConflict) {
		e.Err = errors.New(flagname.In(e.Error()))
		history := f.Hint("history " + factory.ShellWord(output.Printable(o.ResourceID)))
		e.Do = append(e.Do, "`"+history+"` lists the versions there are")
	}
	return e
}
