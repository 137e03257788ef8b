package asl

// Splice makes first the workflow's first state and last the state after every open end, and returns how many ends
// there are. Both use JSONPath. Succeed, Fail and ends that only a Catch leads to do not change: they handled a
// failure, which must not look like a result.
//
// A top-level QueryLanguage JSONata moves into the states, nested ones included: under it, Step Functions rejects
// states that use JSONPath.
func (d *Document) Splice(firstName string, first *Object, lastName string, last *Object) (open int) {
	d.ownLanguages()
	m := machineOf(d.root)
	reached := m.reachable(false)
	states := NewObject(nil)
	first.Delete("End")
	first.Set("Next", m.startAt)
	states.Set(firstName, first)
	for _, name := range m.states.Keys() {
		state := m.state(name)
		if reached[name] && state.Get("End") == true {
			state.rename("End", "Next", lastName)
			open++
		}
		states.Set(name, state)
	}
	if open > 0 { // an unreachable state is rejected
		last.Delete("Next")
		last.Set("End", true)
		states.Set(lastName, last)
	}
	d.root.Set("StartAt", firstName)
	d.root.Set("States", states)
	return open
}

// ownLanguages gives every state its own QueryLanguage where a workflow around it says JSONata.
func (d *Document) ownLanguages() {
	top, _ := d.root.text("QueryLanguage")
	moveLanguage(d.root, top)
	if top == jsonata {
		d.root.Delete("QueryLanguage")
	}
}

// moveLanguage does so in one workflow. A nested workflow inherits from the top level, not from the state around it.
func moveLanguage(o *Object, top string) {
	m := machineOf(o)
	language := top
	if own, ok := o.text("QueryLanguage"); ok {
		language = own
	}
	for _, name := range m.states.Keys() {
		state := m.state(name)
		if language == jsonata && !state.Has("QueryLanguage") {
			state.setAfter("Type", "QueryLanguage", jsonata)
		}
		for _, n := range nestedIn(state) {
			if inner, ok := n.body.(*Object); ok {
				moveLanguage(inner, top)
				inner.Delete("QueryLanguage")
			}
		}
	}
}

// SetTimeout replaces the workflow's time limit, in seconds: JSON text.
func (d *Document) SetTimeout(seconds Raw) { d.root.Set("TimeoutSeconds", seconds) }

// Encode writes the workflow as compact JSON. text writes each string, and raw each value without quotes. Either may be
// nil.
func (d *Document) Encode(text func(string) string, raw func(Raw) string) string {
	return encoded(d.root, text, raw)
}

// States returns how many states the workflow has, nested ones included.
func (d *Document) States() (n int) {
	each(d.root, func(string, *Object) { n++ })
	return n
}

// DistributedMaps returns the labels of the Maps that run their items in executions of their own; "" for one that has
// none.
func (d *Document) DistributedMaps() []string {
	var labels []string
	each(d.root, func(_ string, state *Object) {
		processor, _ := state.Get("ItemProcessor").(*Object)
		if processor == nil {
			return
		}
		if config, ok := processor.Get("ProcessorConfig").(*Object); ok && config.Get("Mode") == "DISTRIBUTED" {
			label, _ := state.text("Label")
			labels = append(labels, label)
		}
	})
	return labels
}
