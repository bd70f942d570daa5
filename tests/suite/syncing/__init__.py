"""The torture of the sync: writers that log all the while, a server with faults, and a syncer that is killed at any
instant; and what must then be on the server.

An episode is one offline directory, one server with a database of its own, a syncer that is started and killed again
and again, syncs that nobody disturbs, and a look at everything that arrived. `make test` runs a few hundred kills,
`make soak-sync` as many as it is told.
"""
