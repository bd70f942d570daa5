/* Programs that use the library wrongly: proof that the sanitizer watches its memory. OFFLINE_DIR freed|small|leak */
#include "check.h"

int main(int argc, char **argv) {
    CHECK(argc == 3);
    weave_client *client = offline_client(argv[1], "wrong");
    int seen = 0;
    if (strcmp(argv[2], "freed") == 0) {
        char *ref = NULL;
        CHECK(weave_object_create(client, "object", "1", -1, &ref) == WEAVE_OK);
        weave_string_free(ref);
        seen = ref[0];
    } else if (strcmp(argv[2], "small") == 0) {
        char id[WEAVE_ID_SIZE - 20];
        CHECK(weave_log_call(client, "op", NULL, 0, NULL, 0, NULL, id) == WEAVE_OK);
        seen = id[0];
    } else {
        weave_json *json = weave_json_new();
        CHECK(weave_json_set_int(json, "lost", 1) == WEAVE_OK);
        json = NULL;
        seen = json == NULL;
    }
    weave_client_free(client);
    return seen == 0;
}
