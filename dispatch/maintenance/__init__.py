"""Maintenance plans: on which days they fall due, and what is shown of them."""
