package capi

// #include "shim.h"
import "C"

// CleanPreview tells what CleanSyncedFiles would delete, as JSON.
func CleanPreview(offlineDir string, olderThanDays float64) (string, error) {
	var in texts
	dir := in.optional("offline_dir", offlineDir)
	if in.err != nil {
		return "", in.err
	}
	return settleText(C.wg_clean_preview(dir, C.double(olderThanDays)))
}

// Which names rejected records.
type Which struct{ OfflineDir, Project, Kind string }

func (w Which) texts(in *texts) (dir, project, kind *C.char) {
	return in.optional("offline_dir", w.OfflineDir), in.optional("project", w.Project), in.optional("kind", w.Kind)
}

// RejectedList lists rejected records, as JSON.
func RejectedList(which Which) (string, error) {
	var in texts
	dir, project, kind := which.texts(&in)
	if in.err != nil {
		return "", in.err
	}
	return settleText(C.wg_rejected_list(dir, project, kind))
}

// RejectedRetry puts rejected records back; how many.
func RejectedRetry(which Which) (uint64, error) {
	var in texts
	dir, project, kind := which.texts(&in)
	if in.err != nil {
		return 0, in.err
	}
	r := C.wg_rejected_retry(dir, project, kind)
	return uint64(r.number), settle(r)
}

// RejectedExport writes rejected records to a file; how many.
func RejectedExport(which Which, toFile string) (uint64, error) {
	var in texts
	dir, project, kind := which.texts(&in)
	file := in.text("to_file", toFile)
	if in.err != nil {
		return 0, in.err
	}
	r := C.wg_rejected_export(dir, project, kind, file)
	return uint64(r.number), settle(r)
}

// RejectedDrop gives rejected records up; how many.
func RejectedDrop(which Which) (uint64, error) {
	var in texts
	dir, project, kind := which.texts(&in)
	if in.err != nil {
		return 0, in.err
	}
	r := C.wg_rejected_drop(dir, project, kind)
	return uint64(r.number), settle(r)
}

// Verify asks the server for what was sent; the results as JSON, also beside an error, and "" when nothing began.
func Verify(offlineDir, project string, putBack bool, options *Options) (string, error) {
	var in texts
	dir, name := in.optional("offline_dir", offlineDir), in.optional("project", project)
	if options.err != nil {
		return "", options.err
	}
	if in.err != nil {
		return "", in.err
	}
	return settleText(C.wg_verify(dir, name, options.c, C.bool(putBack)))
}
