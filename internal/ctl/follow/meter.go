package follow

import (
	"io"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
)

// meter shows progress to who waits.
type meter interface {
	show(progress)
	note(text string)
	end()
}

// newMeter returns a bar on a terminal, and lines elsewhere.
func newMeter(f *factory.Factory, doing string) meter {
	if f.Process.Terminal.Err {
		return newBar(f.Process.Err, doing)
	}
	return &lines{f: f}
}

// lines writes a line when the status changes, and now and then while items come to their ends.
type lines struct {
	f    *factory.Factory
	last progress
	once bool
	told string // the last note
}

const lineEvery = 10 * time.Second

func (l *lines) show(p progress) {
	if l.once && p.status == l.last.status && (p.counts == l.last.counts || p.at.Sub(l.last.at) < lineEvery) {
		return
	}
	l.once, l.last = true, p
	l.f.Say("%s", p)
}

func (l *lines) note(text string) {
	if text != l.told {
		l.told = text
		l.f.Say("%s", output.Printable(text))
	}
}

func (l *lines) end() {}

// bar is one on a terminal: how many of how many, how fast, the time left, and the outcomes.
type bar struct {
	container *mpb.Progress
	bar       *mpb.Bar

	mu   sync.Mutex
	last progress
	pace pace
	text string // a note, in place of the pace
}

const barWidth = 30

func newBar(w io.Writer, doing string) *bar {
	b := &bar{container: mpb.New(mpb.WithOutput(w), mpb.WithWidth(barWidth), mpb.WithAutoRefresh())}
	says := func(of func() string) decor.Decorator {
		return decor.Any(func(decor.Statistics) string {
			b.mu.Lock()
			defer b.mu.Unlock()
			return of()
		})
	}
	style := mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]")
	b.bar = b.container.New(0, style, mpb.BarFillerTrim(),
		mpb.PrependDecorators(says(func() string { return doing + " " })),
		mpb.AppendDecorators(says(b.says)))
	return b
}

// says is what stands behind the bar.
func (b *bar) says() string {
	p := b.last
	parts := []string{p.String()}
	if speed := b.pace.String(); speed != "" && b.text == "" && !p.status.Final() {
		parts = append(parts, speed)
	}
	if b.text != "" {
		parts = append(parts, b.text)
	}
	return " " + strings.Join(parts, ", ")
}

func (b *bar) show(p progress) {
	b.mu.Lock()
	b.last, b.text = p, ""
	b.pace.add(p)
	b.mu.Unlock()
	done, total := p.done(), p.counts.Matched
	if p.dry || !p.known() {
		done = 0
		if p.status.Final() {
			done = total
		}
	}
	total = max(total, 1)
	b.bar.SetTotal(int64(total), false)
	b.bar.SetCurrent(int64(done))
	if p.status.Final() && done == total {
		b.bar.SetTotal(int64(total), true) // draws it to its end
	}
}

func (b *bar) note(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = output.Printable(text)
}

// end leaves the bar as it stands, below what came before it.
func (b *bar) end() {
	b.bar.Abort(false)
	b.container.Wait()
}
