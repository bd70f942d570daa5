"""The kill harness: writers in C, Go and Python that are killed at any instant, and what must then be found.

An episode is one offline directory, several writers and recoverers that are killed on it, one undisturbed start, and a
look at everything that is there. `make test` runs a few hundred kills, `make soak` as many as it is told.
"""
