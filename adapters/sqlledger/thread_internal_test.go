package sqlledger

import (
	"testing"
	"time"
)

// TestOnlyWhatWasRead: "yes" is not meant for a message that was begun after it was written.
func TestOnlyWhatWasRead(t *testing.T) {
	written := time.Date(2027, 3, 1, 10, 0, 0, 0, time.UTC)
	booked := told{row: 1, subjectID: 7, asks: true, begun: written.Add(-time.Hour)}
	moved := told{row: 2, subjectID: 7, asks: true, begun: written.Add(5 * time.Second)}
	old := told{row: 3, subjectID: 8, asks: true, begun: written.Add(-8 * 24 * time.Hour)}
	other := told{row: 4, subjectID: 9, asks: true, begun: written.Add(-time.Minute)}
	for _, c := range []struct {
		name   string
		recent []told
		row    int64
		how    string
	}{
		{"the newer message came too late to be meant", []told{moved, booked}, 1, howOnly},
		{"only a message that came after it", []told{moved}, 0, howNone},
		{"a message of last week is not meant", []told{booked, old}, 1, howOnly},
		{"two subjects", []told{other, booked}, 0, howSeveral},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, how := asking(c.recent, written.Add(-threadAge), written.Add(readTime))
			row := int64(0)
			if how == howOnly {
				row = list[0].row
			}
			if row != c.row || how != c.how {
				t.Errorf("got %d %s, want %d %s", row, how, c.row, c.how)
			}
		})
	}
}
