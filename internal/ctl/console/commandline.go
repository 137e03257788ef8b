package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/replay"
)

// forms make the command line that does what a form does, by the form's name. A page has the command line of the form
// as it was rendered; its script asks for that of the form as it is now.
var forms = map[string]func(url.Values) string{
	"replay": replayCommand, "correct": correctCommand,
	"failures": func(form url.Values) string { return failuresCommand(form, "failures") },
	"close":    func(form url.Values) string { return failuresCommand(form, "failures", "close") },
	"reopen":   func(form url.Values) string { return failuresCommand(form, "failures", "reopen") },
	"pause": func(form url.Values) string {
		return command([]string{"pause", form.Get("id")}, "--reason", form.Get("reason"))
	},
	"pace":     paceCommand,
	"controls": controlCommand,
}

// showLine responds with the command line of a form, as text. It does not call the API.
func (c *Console) showLine(w http.ResponseWriter, r *http.Request) {
	line := forms[r.URL.Query().Get("form")]
	if line == nil {
		http.Error(w, "there is no such form", http.StatusNotFound)
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, fmt.Sprintf("the form cannot be read: %v", err), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, c.o.Command(line(r.PostForm))) // the browser has gone
}

// Line is the command line of a form with the given values: names and values, in turn.
func (c *Console) Line(form string, pairs ...any) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(text(pairs[i]), text(pairs[i+1]))
	}
	return c.o.Command(forms[form](values))
}

// LineOf is the command line of a form with values.
func (c *Console) LineOf(form string, values url.Values) string {
	return c.o.Command(forms[form](values))
}

// command joins the words of a command line. Flags come in pairs with their values. A flag with an empty value is left
// out.
func command(words []string, flags ...string) string {
	line := make([]string, 0, len(words)+len(flags))
	for i, w := range words {
		if i > 0 {
			w = argument(w)
		}
		line = append(line, w)
	}
	for i := 0; i+1 < len(flags); i += 2 {
		if flags[i+1] != "" {
			line = append(line, flags[i], factory.ShellWord(flags[i+1]))
		}
	}
	return strings.Join(line, " ")
}

// argument quotes a word for the shell. A word that begins with - follows --, so that it is not taken for a flag.
func argument(w string) string {
	if strings.HasPrefix(w, "-") {
		return "-- " + factory.ShellWord(w)
	}
	return factory.ShellWord(w)
}

// replayCommand is the command line that makes the same plan.
func replayCommand(form url.Values) string {
	words := []string{"replay"}
	if action := form.Get("action"); action == string(replay.Republish) || redrives(form) {
		words[0] = action
	}
	flags := []string{"--owner", form.Get("owner")}
	if form.Get("failures") != "" {
		flags = append(flags, "--error", form.Get("error"), "--state", form.Get("state"), "--cause", form.Get("cause"),
			"--since", form.Get("since"), "--until", form.Get("until"))
	}
	flags = append(flags, "--recorded-from", form.Get("recordedFrom"), "--recorded-to", form.Get("recordedTo"),
		"--outcome", form.Get("outcome"), "--where", form.Get("where"))
	switch words[0] {
	case string(replay.Republish):
		flags = append(append(flags, versionFlags(form)...), "--target", form.Get("target"))
	case "replay":
		flags = append(append(append(flags, versionFlags(form)...), changeFlags(form)...), "--target", form.Get("target"))
	}
	flags = append(flags, "--max-per-second", form.Get("maxPerSecond"), "--max-items", form.Get("maxItems"),
		"--max-failures", form.Get("maxFailures"), "--reason", strings.TrimSpace(form.Get("reason")))
	words[0] += switches(form)
	return command(words, flags...) + " --plan" + idsAtTheEnd(lines(form["resource"]))
}

// versionFlags are the flags that say which versions run, with their values. `replayctl redrive` does not have them.
func versionFlags(form url.Values) (flags []string) {
	switch form.Get("versions") {
	case "ids":
		for _, id := range lines(form["version"]) {
			flags = append(flags, "--version", id)
		}
	case "asOf":
		flags = append(flags, "--as-of", form.Get("asOf"))
	case "series":
		flags = append(flags, "--last", form.Get("last"), "--from", form.Get("from"), "--to", form.Get("to"), "--on-failure", form.Get("onFailure"))
	}
	return flags
}

// changeFlags are the flags that change events. Only `replayctl replay` has them.
func changeFlags(form url.Values) (flags []string) {
	switch form.Get("change") {
	case "merge":
		flags = append(flags, "--merge-patch", oneLine(form.Get("mergePatch")))
	case "json":
		flags = append(flags, "--json-patch", oneLine(form.Get("jsonPatch")))
	case "jsonata":
		flags = append(flags, "--jsonata", strings.TrimSpace(form.Get("jsonata")))
	case "function":
		flags = append(flags, "--transform", strings.TrimSpace(form.Get("function")), "--parameters", oneLine(form.Get("parameters")))
	}
	return flags
}

// switches are the flags without values that apply to the form's action.
func switches(form url.Values) (line string) {
	action := replay.Action(form.Get("action"))
	for _, s := range []struct {
		name, flag string
		not        []replay.Action
	}{
		{"all", "--all", []replay.Action{replay.Redrive}},
		{"failures", "--failures", nil},
		{"suppress", "--suppress-publish", []replay.Action{replay.Redrive, replay.Republish}},
		{"stale", "--allow-stale", nil},
		{"ignoreAlarm", "--ignore-pause-alarm", nil},
		{"ramp", "--ramp", []replay.Action{replay.Republish}},
	} {
		if form.Get(s.name) != "" && !slices.Contains(s.not, action) {
			line += " " + s.flag
		}
	}
	if redrives(form) {
		return line
	}
	if form.Get("versions") == "series" && form.Get("last")+form.Get("from")+form.Get("to") == "" {
		line += " --series"
	}
	if form.Get("versions") == "latest" && form.Get("failures") != "" {
		line += " --latest"
	}
	return line
}

// correctCommand is the command line that makes the same correction.
func correctCommand(form url.Values) string {
	patch := []string{"--merge-patch", oneLine(form.Get("mergePatch"))}
	if form.Get("change") == "json" {
		patch = []string{"--json-patch", oneLine(form.Get("jsonPatch"))}
	}
	flags := append([]string{"--version", form.Get("version")}, patch...)
	line := command([]string{"correct"}, append(flags, "--reason", strings.TrimSpace(form.Get("reason")))...)
	if form.Get("stale") != "" {
		line += " --allow-stale"
	}
	return line + idsAtTheEnd(lines(form["resource"]))
}

// failuresCommand is the command line that lists, closes or reopens failures.
func failuresCommand(form url.Values, words ...string) string {
	action := words[len(words)-1]
	var flags []string
	if action == "reopen" {
		flags = append(flags, "--job", form.Get("job"))
	} else {
		flags = append(flags, "--status", form.Get("status"))
	}
	line := command(words, append(flags, "--error", form.Get("error"), "--state", form.Get("state"),
		"--cause", form.Get("cause"), "--resource", form.Get("resource"), "--owner", form.Get("owner"),
		"--since", form.Get("since"), "--until", form.Get("until"), "--reason", strings.TrimSpace(form.Get("reason")))...)
	if form.Get("superseded") != "" && action != "reopen" {
		line += " --superseded"
	}
	if action == "failures" && filtered(form) {
		line += " --detail"
	}
	return line
}

func paceCommand(form url.Values) string {
	words := []string{"pace", form.Get("id")}
	if strings.TrimSpace(form.Get("maxPerSecond")) == "" {
		return command(words) + " --no-max-per-second"
	}
	return command(words, "--max-per-second", strings.TrimSpace(form.Get("maxPerSecond")))
}

// controlCommand is the command line that pauses all replays, or auto-replay.
func controlCommand(form url.Values) string {
	which := "--all"
	if form.Get("what") == "autoReplay" {
		which = "--auto-replay"
	}
	return command([]string{"pause " + which}, "--reason", strings.TrimSpace(form.Get("reason")))
}

// idsAtTheEnd puts ids after --, so that none is taken for a flag.
func idsAtTheEnd(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	line := " --"
	for _, id := range ids {
		line += " " + factory.ShellWord(id)
	}
	return line
}

// oneLine is a patch without white space.
func oneLine(patch string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(patch)) != nil {
		return strings.Join(strings.Fields(patch), " ")
	}
	return b.String()
}
