package chaos

import "github.com/ce873799/replayable-ingestion/internal/domain"

// closedStay wants that nothing retries by itself what an operator has closed, or reopened since.
func (c *checker) closedStay() {
	for _, p := range sorted(c.Failures) {
		f := c.Failures[p]
		if f.Job == "" || f.Status != domain.Closed && f.Status != domain.Quarantined {
			continue
		}
		again := domain.AutoName(f.Root, f.Attempt+1)
		if e, started := c.Executions[again]; started && e.Started.After(f.ChangedAt.Time) {
			c.fault(StaysClosed, f.Execution, "%s at %s (%s), and %s started at %s", f.Status, f.ChangedAt, f.Decision, again,
				domain.At(e.Started))
		}
	}
}

// corrections wants that a correction stands right behind what it corrects, and that nothing is left to do about that
// once the correction was published.
func (c *checker) corrections() {
	by := map[string]string{} // execution that corrects a version
	for _, name := range sorted(c.Rows) {
		row := c.Rows[name]
		if row.Corrects == "" || row.VersionID == "" {
			continue
		}
		given, newer, found := c.origin(domain.Execution{ResourceID: row.ResourceID, VersionID: row.Corrects})
		if !found {
			c.fault(Corrects, name, "it corrects version %s, which is not in S3", row.Corrects)
			continue
		}
		if want := domain.PlaceBehind(given.place()); !row.AllowStale && !row.Placed().Equal(want.Time) {
			c.fault(Corrects, name, "it stands at %s, want %s, right behind version %s", row.Placed(), want, row.Corrects)
		}
		if len(newer) == 0 {
			c.fault(Corrects, name, "version %s is still the latest", row.Corrects)
			continue
		}
		if latest := newer[0]; !row.AllowStale && latest.Execution != name && !latest.place().After(given.place()) {
			c.fault(Corrects, name, "version %s counts as newer, which came no later", latest.ID)
		}
		if row.Status != domain.Succeeded || row.Superseded || row.Suppress {
			continue
		}
		of := row.ResourceID + " " + row.Corrects
		if first, twice := by[of]; twice && !row.AllowStale {
			c.fault(Corrects, name, "version %s was corrected by %s as well", row.Corrects, first)
		}
		by[of] = name
		for _, p := range sorted(c.Failures) {
			f := c.Failures[p]
			if f.VersionID == row.Corrects && f.Unsettled() && !f.FailedAt.After(row.StoppedAt.Time) {
				c.fault(Corrects, f.Execution, "still %s, and %s has corrected its version with success", f.Status, name)
			}
		}
	}
}
