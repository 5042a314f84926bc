"""The SLA report as a page, as files, as the jobs behind its numbers and as the managers' e-mail."""
