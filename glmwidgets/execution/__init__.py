"""Where work that outlives a session is done: a store by content, workers of this machine, other schedulers."""
