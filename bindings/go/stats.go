package weave

import (
	"encoding/json"
	"fmt"
)

// ClientStats tells what became of the records that this process logged into the offline directory of a client, by all
// its clients.
type ClientStats struct {
	Accepted     uint64       `json:"accepted"`      // records that were taken
	Packed       uint64       `json:"packed"`        // of these, records in data files on the disk
	Waiting      uint64       `json:"waiting"`       // and records in the journal alone
	WaitingBytes uint64       `json:"waiting_bytes"` // their bytes there
	Refused      uint64       `json:"refused"`       // not taken: the journal or the quota was full, or the disk failed
	Blocked      uint64       `json:"blocked"`       // times that logging had to wait for room
	Dropped      uint64       `json:"dropped"`       // in data files that were deleted unsent to keep the quota
	Journal      JournalStats `json:"journal"`
	Failures     uint64       `json:"failures"`   // times that records could not be brought into data files, yet
	LastError    string       `json:"last_error"` // why, the last time; ""
	Filtered     uint64       `json:"filtered"`   // dropped by this client's filter
}

// JournalStats tells of the journal of this process.
type JournalStats struct {
	Kind  string `json:"kind"` // "mapped" or "write"
	Bytes uint64 `json:"bytes"`
}

// Stats are the counters of this process for the client's directory.
func (c *Client) Stats() (ClientStats, error) {
	var stats ClientStats
	text, err := c.native.Stats()
	if err != nil {
		return stats, fault(err)
	}
	if err := json.Unmarshal([]byte(text), &stats); err != nil {
		return stats, fmt.Errorf("weave: statistics that cannot be read: %w", err)
	}
	return stats, nil
}
