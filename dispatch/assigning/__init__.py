"""Who does which of many jobs, decided together. Pure but for `build.py`."""
