"""What technicians see and send from the field: the phone's day, its taps, the work on a job and its time."""
