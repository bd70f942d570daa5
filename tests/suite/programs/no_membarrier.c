/* Logs where the kernel refuses membarrier(2), as the filters of some containers do. Argument: the offline directory. */
#define _DEFAULT_SOURCE
#include "told.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static void refuse_membarrier(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    CHECK(syscall(SYS_membarrier, 0, 0, 0) == -1 && errno == EPERM);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    refuse_membarrier();
    weave_client *client = offline_client(argv[1], "filtered");
    log_told(client, "finished");
    char *stats = NULL;
    CHECK(weave_stats(client, &stats) == WEAVE_OK);
    CHECK(strstr(stats, "\"kind\":\"write\"") != NULL);
    weave_string_free(stats);
    CHECK(weave_finish(client, 10000, NULL) == WEAVE_OK);
    weave_client_free(client);
    return 0;
}
