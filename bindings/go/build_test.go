package weave_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestABuildWithoutCgoExplainsItself(t *testing.T) {
	build := exec.Command("go", "build", ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	told, err := build.CombinedOutput()
	if err == nil || !strings.Contains(string(told), "libweave_needs_cgo__install_a_C_compiler_and_build_with_CGO_ENABLED_1") ||
		strings.Count(string(told), ".go:") != 1 {
		t.Errorf("%v: %s", err, told)
	}
}
