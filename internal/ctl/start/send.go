package start

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"

	"github.com/oklog/ulid/v2"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/request"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// send asks for the replays of a request side by side. It returns those that were accepted, also with an error.
func send(
	ctx context.Context, f *factory.Factory, api *client.Client, r *request.Request, key string,
) (all []replay.Accepted, err error) {
	given := key
	key = keyOf(key)
	for i := range r.Parts {
		accepted, err := sendPart(ctx, f, api, r, key, i)
		if err != nil {
			return all, err
		}
		noteRepeated(f, given, accepted)
		all = append(all, accepted)
	}
	return all, nil
}

// noteRepeated says that a key that was given has started the replay before. A random key repeats only where the client
// itself sent the request again.
func noteRepeated(f *factory.Factory, given string, a replay.Accepted) {
	if given != "" && a.Repeated {
		f.Say("%s", f.PaintErr(output.Yellow, fmt.Sprintf("--idempotency-key %s was used before: it started replay %s then, and nothing new now",
			factory.ShellWord(given), a.ReplayID)))
	}
}

// keyOf is the Idempotency-Key of a request. There always is one, so that it can be sent again when no answer comes.
func keyOf(given string) string {
	if given != "" {
		return given
	}
	return ulid.Make().String()
}

// partKey is the key of one of several replays, the same for the same list of ids.
func partKey(key string, i, n int) string {
	if n == 1 {
		return key
	}
	return fmt.Sprintf("%s-%d", key, i+1)
}

// sendPart asks for one replay of several. The key may have been used for the same command before, whose relative times
// counted from another moment: then that moment holds for the whole request.
func sendPart(
	ctx context.Context, f *factory.Factory, api *client.Client, r *request.Request, key string, i int,
) (replay.Accepted, error) {
	one := partKey(key, i, len(r.Parts))
	accepted, err := api.Replays.Create(ctx, one, r.Parts[i])
	if before := UsedBefore(err); before != "" && i == 0 {
		if first, readErr := api.Replays.Get(ctx, before); readErr == nil {
			if again, is := r.AsBefore(first.Request, f.Moment); is {
				if accepted, second := api.Replays.Create(ctx, one, again.Parts[0]); second == nil {
					*r = again
					return accepted, nil
				}
			}
		}
	}
	if err == nil {
		return accepted, nil
	}
	e := f.Explain(err)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		e = &exit.Error{Code: exit.Interrupted, Err: exit.ErrInterrupted}
	}
	if e.Code == exit.Unreachable || e.Code == exit.Interrupted {
		e.Do = append(e.Do, "it may have been accepted: the same command with --idempotency-key "+key+" returns the same replay, not a second one")
	}
	return accepted, e
}

// idOfReplay finds the id in the API's answer to a key that was used before.
var idOfReplay = regexp.MustCompile(`\breplay ([0-7][0-9A-HJKMNP-TV-Z]{25})\b`)

// UsedBefore is the replay for which a key was used, if that is what the error says.
func UsedBefore(err error) string {
	var refused *client.RefusedError
	if !errors.As(err, &refused) || refused.Status != http.StatusConflict {
		return ""
	}
	if m := idOfReplay.FindStringSubmatch(refused.Problem.Detail); m != nil {
		return m[1]
	}
	return ""
}

// showAccepted writes the ids of replays, or the whole answers as JSON.
func showAccepted(f *factory.Factory, all []replay.Accepted) error {
	if len(all) == 1 || f.Printer.Format != output.JSON {
		for _, one := range all {
			err := f.Printer.Value(one, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, one.ReplayID)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	_, err := output.List(f.Printer, "replays", nil, factory.Sequence(all))
	return err
}
