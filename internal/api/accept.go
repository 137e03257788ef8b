package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/event/filter"
	"github.com/ce873799/replayable-ingestion/internal/event/jsonata"
	"github.com/ce873799/replayable-ingestion/internal/event/transform"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// asked is a kind of request that becomes a replay.
type asked struct {
	what   string // an Idempotency-Key belongs to one kind
	decode func(ctx context.Context, body []byte, now time.Time) (replay.Request, error)
}

// accept accepts a replay.
func (a *API) accept(ctx context.Context, req request) (answer, error) {
	return a.submit(ctx, req, asked{"replay", a.decode})
}

// submit stores a request, then its row, and then sends one message. The handler of the message finds both.
func (a *API) submit(ctx context.Context, req request, kind asked) (answer, error) {
	key, keyed, body, err := submitted(req)
	if err != nil {
		return answer{}, err
	}
	now := a.now()
	r, err := kind.decode(ctx, body, now)
	if err != nil {
		return answer{}, err
	}
	id, err := ulid.New(ulid.Timestamp(now), a.Random)
	if err != nil {
		return answer{}, fmt.Errorf("make replay id: %w", err)
	}
	if !keyed {
		if r, err = a.resolve(ctx, r, id.String()); err != nil {
			return answer{}, err
		}
		return a.begin(ctx, req, id.String(), r, now, false)
	}
	first, err := a.once(ctx, req, kind, key, body, domain.Claim{AcceptedID: id.String(), CreatedAt: domain.At(now)})
	if body, is := first.body.(replay.Accepted); is {
		body.Repeated = body.ReplayID != id.String()
		first.body = body
	}
	return first, err
}

// submitted returns the Idempotency-Key, if there is one, and the body of a request.
func submitted(req request) (key string, keyed bool, body []byte, err error) {
	if key, keyed, err = idempotencyKey(req); err != nil {
		return "", false, nil, err
	}
	body, err = bodyOf(req)
	return key, keyed, body, err
}

func (a *API) decode(ctx context.Context, body []byte, now time.Time) (replay.Request, error) {
	r, err := replay.Decode(body, now)
	if err != nil {
		return r, err
	}
	return r, a.parsable(ctx, r)
}

// parsable checks what the contract cannot: the filter, the transform, and whether the action is possible here.
func (a *API) parsable(ctx context.Context, r replay.Request) error {
	var faults []replay.Fault
	if r.Select.Where != "" {
		if _, err := filter.Parse(r.Select.Where); err != nil {
			faults = append(faults, replay.Fault{Field: "select.where", Value: replay.Shorten(r.Select.Where), Detail: err.Error()})
		}
	}
	_, err := transform.New(ctx, r.Transform, nil)
	switch {
	case errors.Is(err, transform.ErrTransform):
		faults = append(faults, unusable(r.Transform, err))
	case err != nil:
		return err
	case r.Transform != nil && r.Transform.Function != "" && !slices.Contains(a.Transforms, r.Transform.Function):
		faults = append(faults, a.unknown(r.Transform.Function))
	}
	if r.Action == replay.Redrive && !a.Redrivable {
		faults = append(faults, replay.Fault{
			Field: "action", Value: string(r.Action), Detail: "is not possible around an EXPRESS state machine: its failed execution " +
				"would go on behind it, and fail again: use rerun",
		})
	}
	if len(faults) > 0 {
		return &replay.InvalidError{Faults: faults}
	}
	return nil
}

// unusable is the fault of a transform that cannot be read.
func unusable(t *replay.Transform, err error) replay.Fault {
	detail := strings.TrimPrefix(err.Error(), transform.ErrTransform.Error()+": ")
	if t.JSONata == "" {
		return replay.Fault{Field: "transform", Detail: detail}
	}
	detail = strings.TrimPrefix(detail, jsonata.ErrExpression.Error()+": ")
	return replay.Fault{Field: "transform.jsonata", Value: replay.Shorten(t.JSONata), Detail: "cannot be read: " + detail}
}

// unknown is the fault of a function that the ingestion does not have.
func (a *API) unknown(function string) replay.Fault {
	f := replay.Fault{Field: "transform.function", Value: function}
	if f.Detail = "is not a function of this ingestion: it has " + strings.Join(a.Transforms, ", "); len(a.Transforms) == 0 {
		f.Detail = "is not a function of this ingestion, which has none: give it one with the prop Transforms"
	}
	return f
}

// once begins the replay of an Idempotency-Key, or finishes what an earlier call began before it died.
func (a *API) once(ctx context.Context, req request, kind asked, key string, body []byte, c domain.Claim) (answer, error) {
	keyFor := body
	if kind.what != "replay" { // keys of replays are older than other kinds: they stand for their bodies alone
		keyFor = fmt.Appendf(nil, `{%q:%s}`, kind.what, body)
	}
	claimed, err := a.claim(ctx, "replay", key, keyFor, c)
	if err != nil {
		return answer{}, err
	}
	r, err := kind.decode(ctx, body, claimed.CreatedAt.Time) // relative times count from the first call
	if err != nil {
		return answer{}, err
	}
	row, err := a.book.Replays.Get(ctx, claimed.AcceptedID)
	if err == nil && row.Status != replay.Pending {
		if r, err = a.stored(ctx, row.ID); err != nil {
			return answer{}, err
		}
		return accepted(req, row, r), nil
	}
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return answer{}, err
	}
	if r, err = a.resolve(ctx, r, claimed.AcceptedID); err != nil {
		return answer{}, err
	}
	return a.begin(ctx, req, claimed.AcceptedID, r, claimed.CreatedAt.Time, true)
}

// header returns the values of a header, whatever the case of its name.
func header(req request, name string) (values []string) {
	for k, v := range req.MultiValueHeaders {
		if strings.EqualFold(k, name) {
			values = append(values, v...)
		}
	}
	if len(values) > 0 {
		return values
	}
	for k, v := range req.Headers {
		if strings.EqualFold(k, name) {
			values = append(values, v)
		}
	}
	return values
}

// begin stores a request, adds its row and sends its first message. Doing so again changes nothing.
func (a *API) begin(ctx context.Context, req request, id string, r replay.Request, now time.Time, keyed bool) (answer, error) {
	stored, err := json.Marshal(r)
	if err != nil {
		return answer{}, fmt.Errorf("encode request: %w", err)
	}
	row := domain.Replay{
		ID: id, Status: replay.Pending, RequestedBy: caller(req), Action: r.Action, DryRun: r.DryRun, Reason: r.Reason,
		OwnerID: r.Select.OwnerID, MaxItems: r.MaxItems, MaxFailures: r.MaxFailures, MaxPerSecond: r.MaxPerSecond,
		CreatedAt: domain.At(now), IgnorePauseAlarm: r.IgnorePauseAlarm,
	}
	if !r.DryRun {
		row.Ramp = domain.NewRamp(r.Ramp)
	}
	if r.Apply != nil {
		row.PlanID = r.Apply.PlanID
	}
	if err := a.log.PutObject(ctx, eventlog.RequestKey(id), stored); err != nil {
		return answer{}, err
	}
	if err := a.book.Replays.Add(ctx, row); err != nil && (!keyed || !errors.Is(err, ledger.ErrConflict)) {
		return answer{}, err
	}
	if err := a.queue.Send(ctx, protocol.ReplayMessage{Kind: protocol.KindExpand, ReplayID: id}.Encode()); err != nil {
		if keyed {
			return answer{}, err // the caller comes back with the same key
		}
		// The caller learns that the replay was not accepted. It must not stay open.
		return answer{}, errors.Join(err, a.progress.Stop(ctx, id, replay.Stop{
			Status: replay.Halted, At: a.now(), Reason: "its first message could not be sent",
		}))
	}
	// The ledger has who asked, and why. A reason may name people, and a caller may be an e-mail address.
	a.logger.InfoContext(ctx, "replay accepted", "replayId", id, "action", row.Action, "dryRun", row.DryRun)
	return accepted(req, row, r), nil
}

func accepted(req request, row domain.Replay, r replay.Request) answer {
	links := linksOf(req, row.ID)
	return answer{
		status:  http.StatusAccepted,
		body:    replay.Accepted{ReplayID: row.ID, Status: row.Status, Request: r, Links: links},
		headers: map[string]string{"Location": links["self"]},
	}
}
