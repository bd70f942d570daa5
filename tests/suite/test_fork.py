"""A program that forks: parent and child go on with the same client, each with files of its own."""
import json
import textwrap

from harness import run

PROGRAM = textwrap.dedent("""\
    #define _POSIX_C_SOURCE 200809L
    #include <sys/wait.h>
    #include <unistd.h>
    #include <weave.h>

    static int log_two(weave_client *client, const char *name) {
        char id[WEAVE_ID_SIZE];
        for (int i = 0; i < 2; i++) {
            if (weave_log_call(client, name, NULL, 0, NULL, 0, NULL, id) != WEAVE_OK) return 1;
        }
        return weave_flush(client, -1, NULL) != WEAVE_OK;
    }

    int main(int argc, char **argv) {
        weave_options *options = weave_options_new();
        weave_options_set_offline(options, argc == 2);
        weave_options_set_offline_dir(options, argv[1]);
        weave_options_set_compress(options, false);
        weave_client *client = NULL;
        if (weave_init("forked", options, &client) != WEAVE_OK || log_two(client, "before")) return 1;
        weave_options_free(options);
        pid_t child = fork();
        if (child == 0) {
            pid_t grandchild = fork();
            if (grandchild == 0) _exit(log_two(client, "grandchild"));
            int status = 0;
            if (waitpid(grandchild, &status, 0) != grandchild || status != 0) _exit(2);
            _exit(log_two(client, "child"));
        }
        int status = 0;
        if (waitpid(child, &status, 0) != child || status != 0 || log_two(client, "after")) return 3;
        status = weave_finish(client, -1, NULL) != WEAVE_OK;
        weave_client_free(client);
        return status;
    }
    """)


def test_a_child_logs_into_files_of_its_own_that_are_written_as_its_parents(compile_c, tmp_path):
    source = tmp_path / "fork.c"
    source.write_text(PROGRAM)
    run([compile_c(source), tmp_path / "offline"])
    files = sorted((tmp_path / "offline").glob("*/*/calls/*"))
    assert [path.suffix for path in files] == [".jsonl"] * 3
    names = [[json.loads(line)["data"]["op_name"] for line in path.read_text().splitlines()] for path in files]
    assert sorted(names) == [["before", "before", "after", "after"], ["child", "child"], ["grandchild", "grandchild"]]
    ids = {json.loads(line)["data"]["id"] for path in files for line in path.read_text().splitlines()}
    assert len(ids) == 8
