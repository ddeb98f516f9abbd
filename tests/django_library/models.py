from __future__ import annotations

import uuid

from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=200)
    born = models.DateField(null=True)

    class Meta:
        app_label = "django_library"

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str, str]:
        return (self.name, str(self.born))


class Book(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    author = models.ForeignKey(Author, models.CASCADE, null=True)
    title = models.CharField(max_length=200)
    text = models.TextField(default="")
    slug = models.SlugField(default="")
    mail = models.EmailField(default="")
    price = models.DecimalField(max_digits=30, decimal_places=4, null=True)
    weight = models.FloatField(null=True)
    pages = models.BigIntegerField(null=True)
    sold = models.BooleanField(null=True)
    printed = models.DateTimeField(null=True)
    opens = models.TimeField(null=True)
    lent_for = models.DurationField(null=True)
    cover = models.BinaryField(null=True)
    facts = models.JSONField(null=True)
    address = models.GenericIPAddressField(null=True)
    file = models.FileField(null=True)

    class Meta:
        app_label = "django_library"

    def __str__(self) -> str:
        return self.title
