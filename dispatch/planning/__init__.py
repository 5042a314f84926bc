"""Who does which stops in which order, and when: pure but for `build` (from the database) and `store` (into it)."""
