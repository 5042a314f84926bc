"""The REST API at /api/v1/: it translates HTTP to querysets and actions and back, as the views do for people.

A token acts as its user, within its scopes. What the user may not see does not exist here either.
"""
