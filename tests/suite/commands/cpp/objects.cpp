// What is published beside calls: ops, objects, tables, datasets, files, feedback, prices.
#include "verbs.hpp"

Answer op(Opened &opened, const Fields &fields) { return opened.client.op_create(fields[0], fields[1]); }
Answer object(Opened &opened, const Fields &fields) { return opened.client.object_create(fields[0], fields[1]); }
Answer table(Opened &opened, const Fields &fields) { return opened.client.table_create(fields[0]); }
Answer dataset(Opened &opened, const Fields &fields) { return opened.client.dataset_create(fields[0], fields[1]); }
Answer row(Opened &opened, const Fields &fields) { return opened.client.dataset_row_ref(fields[0], fields[1]); }
Answer file(Opened &opened, const Fields &fields) { return opened.client.file_create(fields[0], fields[1]); }
Answer image(Opened &opened, const Fields &fields) { return opened.client.image_create(fields[0], fields[1]); }
Answer audio(Opened &opened, const Fields &fields) { return opened.client.audio_create(fields[0], fields[1]); }
Answer content(Opened &opened, const Fields &fields) {
    return opened.client.content_create(fields[0], fields[1], fields[2]);
}
Answer note(Opened &opened, const Fields &fields) { return opened.client.feedback_add_note(fields[0], fields[1]); }
Answer reaction(Opened &opened, const Fields &fields) {
    return opened.client.feedback_add_reaction(fields[0], fields[1]);
}
Answer feedback(Opened &opened, const Fields &fields) {
    return opened.client.feedback_create(fields[0], fields[1], fields[2]);
}
Answer cost(Opened &opened, const Fields &fields) {
    return opened.client.cost_create(fields[0], decimal(fields[1]), decimal(fields[2]));
}
