package capi

// #include "shim.h"
import "C"

// Sync sends what is stored; the results as JSON, also beside an error, and "" when nothing began.
func Sync(offlineDir, project string, options *Options) (string, error) {
	var in texts
	dir, name := in.optional("offline_dir", offlineDir), in.optional("project", project)
	if options.err != nil {
		return "", options.err
	}
	if in.err != nil {
		return "", in.err
	}
	return settleText(C.wg_sync(dir, name, options.c))
}

// CleanSyncedFiles deletes what was sent; how many files.
func CleanSyncedFiles(offlineDir string, olderThanDays float64) (uint64, error) {
	var in texts
	dir := in.optional("offline_dir", offlineDir)
	if in.err != nil {
		return 0, in.err
	}
	r := C.wg_clean_synced_files(dir, C.double(olderThanDays))
	return uint64(r.number), settle(r)
}

// DirectoryStats tells what lies in a directory, as JSON.
func DirectoryStats(offlineDir string) (string, error) {
	var in texts
	dir := in.optional("offline_dir", offlineDir)
	if in.err != nil {
		return "", in.err
	}
	return settleText(C.wg_directory_stats(dir))
}
