"""The views of the board: what each shows of which jobs, within the frame of day, filters and counts."""
