package factory

import (
	"context"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"golang.org/x/term"
)

// Process is the world around a command: tests make their own.
type Process struct {
	Args     []string // without the program's name
	In       io.Reader
	Out      io.Writer // data
	Err      io.Writer // everything that is said about it
	Terminal Terminal
	Env      func(name string) string

	// LoadAWS finds credentials and Region as the aws CLI does.
	LoadAWS   func(ctx context.Context, options ...func(*config.LoadOptions) error) (aws.Config, error)
	Transport http.RoundTripper // of calls of the API; nil: the default one
	CacheDir  string            // empty: nothing is kept
	Now       func() time.Time
	Sleep     func(ctx context.Context, d time.Duration) error // nil: waits
	Zone      *time.Location                                   // of times in tables
	Browse    func(ctx context.Context, address string) error  // opens the browser; nil: there is none
}

// Terminal says which of the streams are terminals.
type Terminal struct {
	In, Out, Err bool
	Width        func() int // of the one that Out or Err is on, in columns; 0 or nil: not known
}

// System is the process that this program is.
func System() Process {
	fd := func(f *os.File) int { return int(f.Fd()) }
	p := Process{
		Args: os.Args[1:], In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Terminal: Terminal{
			In: term.IsTerminal(fd(os.Stdin)), Out: term.IsTerminal(fd(os.Stdout)), Err: term.IsTerminal(fd(os.Stderr)),
			Width: func() int {
				for _, f := range []*os.File{os.Stdout, os.Stderr} {
					if w, _, err := term.GetSize(fd(f)); err == nil {
						return w
					}
				}
				return 0
			},
		},
		Env: os.Getenv, LoadAWS: config.LoadDefaultConfig, Now: time.Now, Zone: time.Local,
	}
	if dir, err := os.UserCacheDir(); err == nil {
		p.CacheDir = dir
	}
	if p.Terminal.Err {
		p.Browse = browse
	}
	return p
}
