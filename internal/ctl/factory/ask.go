package factory

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
)

// Ask asks for a line.
func (f *Factory) Ask(ctx context.Context, text string) (string, error) {
	_, _ = fmt.Fprint(f.Process.Err, f.PaintErr(output.Bold, text)+" ")
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() { // cannot be interrupted: it is left behind, and ends with the process
		text, err := bufio.NewReader(f.Process.In).ReadString('\n')
		read <- line{text, err}
	}()
	select {
	case l := <-read:
		if l.err != nil && l.text == "" {
			f.Say("")
			return "", &exit.Error{Code: exit.General, Err: fmt.Errorf("no answer: nothing was started")}
		}
		return strings.TrimSpace(l.text), nil
	case <-ctx.Done():
		f.Say("")
		return "", &exit.Error{Code: exit.Interrupted, Err: fmt.Errorf("interrupted: nothing was started")}
	}
}
