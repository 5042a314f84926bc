"""Forms check what people type; what is done with it is for dispatch.actions."""
