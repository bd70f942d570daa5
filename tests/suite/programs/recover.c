/* weave_init and weave_finish: packs what other processes left. Argument: the offline directory. */
#include "check.h"

int main(int argc, char **argv) {
    CHECK(argc == 2);
    weave_client *client = offline_client(argv[1], "recovering");
    CHECK(weave_finish(client, -1, NULL) == WEAVE_OK);
    weave_client_free(client);
    return 0;
}
