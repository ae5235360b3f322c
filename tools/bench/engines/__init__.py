"""Programs that run a peer, each in an environment of its own: their needs conflict with ours and with each other's."""
