"""pytest plugin: starts what the tests need (being extended)."""
