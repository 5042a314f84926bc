from django.db import models


class LiveVersion(models.Model):
    """How many live events a group has had. A board that counted fewer has missed one and reloads."""

    group = models.CharField(max_length=40, primary_key=True)
    number = models.PositiveBigIntegerField(default=0)

    def __str__(self):
        return f"{self.group} {self.number}"
