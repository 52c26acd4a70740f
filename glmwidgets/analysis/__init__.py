"""What follows from a run and a specification: the steps of an analysis, what came out, and what can be said of it."""
