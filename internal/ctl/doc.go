// Package ctl is replayctl, the operator's command: what a person types, and what comes of it.
//
// A command is a method of app that returns a cobra.Command, named in groups. It gets the API from app.client, the
// names of everything else from app.find, writes data through app.out and show, and tells the person what happens with
// app.say. It returns errors: explain says what to do about them and which exit code they are.
package ctl
