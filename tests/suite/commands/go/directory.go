package main

import (
	"strconv"
	"time"

	weave "github.com/libweave/libweave-go"
)

var directoryVerbs = map[string]verb{
	"sync":      {1, syncDirectory},
	"clean":     {2, clean},
	"directory": {1, directory},
	"rejected":  {1, rejected},
	"verify":    {1, verify},
}

// pairs are counts as the library writes them.
type pairs = map[string]map[string][2]uint64

func syncDirectory(_ *session, f []string) ([]string, error) {
	results, err := weave.Sync(background, weave.SyncOptions{OfflineDir: f[0]})
	if results == nil {
		return nil, err
	}
	told := pairs{}
	for project, kinds := range results {
		told[project] = map[string][2]uint64{}
		for kind, counts := range kinds {
			told[project][kind] = [2]uint64{counts.Synced, counts.Errors}
		}
	}
	return []string{jsonText(told)}, err
}

func clean(_ *session, f []string) ([]string, error) {
	deleted, err := weave.CleanSyncedFiles(f[0], time.Duration(decimal(f[1])*float64(24*time.Hour)))
	return only(strconv.FormatUint(deleted, 10), err)
}

func directory(_ *session, f []string) ([]string, error) {
	stats, err := weave.Stats(f[0])
	return only(jsonText(stats), err)
}

func rejected(_ *session, f []string) ([]string, error) {
	rejections, err := weave.Rejected{OfflineDir: f[0]}.List()
	told := []map[string]any{}
	for _, rejection := range rejections {
		one := map[string]any{"project": rejection.Project, "kind": rejection.Kind, "id": nil, "status": nil,
			"reason": rejection.Reason, "at": rejection.At, "server": rejection.Server, "to": rejection.To}
		if rejection.ID != "" {
			one["id"] = rejection.ID
		}
		if rejection.Status != 0 {
			one["status"] = rejection.Status
		}
		if rejection.Place != "" {
			one["place"] = rejection.Place
		} else {
			one["places"] = rejection.Places
		}
		told = append(told, one)
	}
	return only(jsonText(told), err)
}

func verify(_ *session, f []string) ([]string, error) {
	verified, err := weave.Verify(background, weave.VerifyOptions{OfflineDir: f[0]})
	if verified == nil {
		return nil, err
	}
	return []string{jsonText(verified)}, err
}
