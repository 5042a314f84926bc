"""The day as a whole: dashboard, morning review, close-out, and what is handed over when somebody is away."""
