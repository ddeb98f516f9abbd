"""Small Django models of the generated data. Import them only after :func:`bench.django_work.set_up_django`."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Company(models.Model):
    """A parent row."""

    name = models.CharField(max_length=100, unique=True)

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return self.name


class Attendance(models.Model):
    """A row of 16 mixed columns beside its key."""

    ep_no = models.CharField(max_length=20)
    ep_name = models.CharField(max_length=100)
    company = models.ForeignKey(Company, on_delete=models.CASCADE)
    date = models.DateField()
    shift = models.CharField(max_length=5)
    overstay = models.CharField(max_length=10)
    status = models.CharField(max_length=2)
    in_time = models.TimeField(null=True)
    out_time = models.TimeField(null=True)
    hours = models.CharField(max_length=10)
    overtime = models.CharField(max_length=10)
    mandays = models.DecimalField(max_digits=8, decimal_places=2)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    remarks = models.TextField(blank=True)

    class Meta:
        app_label = "bench"
        unique_together: ClassVar = [("ep_no", "date")]

    def __str__(self) -> str:
        return f"{self.ep_no} {self.date}"
