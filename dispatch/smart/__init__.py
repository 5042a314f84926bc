"""Smart dispatch: who may do a job, how well they fit, when they could begin, and what to do about it."""
