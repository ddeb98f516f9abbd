"""One model with a field of every type, and models with keys of every type."""

from __future__ import annotations

from uuid import uuid4

from django.db import models


class Sample(models.Model):
    """A field of every type; each may be empty, so that a fixture can give just one of them."""

    small = models.SmallIntegerField(null=True)
    whole = models.IntegerField(null=True)
    big = models.BigIntegerField(null=True)
    positive_small = models.PositiveSmallIntegerField(null=True)
    positive = models.PositiveIntegerField(null=True)
    positive_big = models.PositiveBigIntegerField(null=True)
    flag = models.BooleanField(null=True)
    short = models.CharField(max_length=20, null=True)
    text = models.TextField(null=True)
    slug = models.SlugField(null=True)
    email = models.EmailField(null=True)
    url = models.URLField(null=True)
    day = models.DateField(null=True)
    at = models.DateTimeField(null=True)
    clock = models.TimeField(null=True)
    lasts = models.DurationField(null=True)
    amount = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    exact = models.DecimalField(max_digits=38, decimal_places=18, null=True)
    ratio = models.FloatField(null=True)
    blob = models.BinaryField(null=True)
    ident = models.UUIDField(null=True)
    facts = models.JSONField(null=True)
    address = models.GenericIPAddressField(null=True)


class Attachment(models.Model):
    """Files, of which a database knows the paths."""

    file = models.FileField(blank=True)
    image = models.ImageField(null=True)
    path = models.FilePathField(null=True)


class Strict(models.Model):
    """Columns that must have a value; Django's own defaults fill those that a fixture leaves out."""

    name = models.CharField(max_length=20)
    note = models.TextField(default="nothing to say", blank=True)
    number = models.IntegerField(default=7)
    flag = models.BooleanField(default=True)
    facts = models.JSONField(default=dict)
    made_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)


class Stored(models.Model):
    """A default that the database itself knows, and a column that it computes."""

    name = models.CharField(max_length=20)
    state = models.CharField(max_length=10, db_default="new")
    twice = models.GeneratedField(
        expression=models.functions.Concat("name", "name"),
        output_field=models.CharField(max_length=40),
        db_persist=True,
    )


class SmallKey(models.Model):
    """Numbered by a small integer."""

    id = models.SmallAutoField(primary_key=True)
    name = models.CharField(max_length=20)


class PlainKey(models.Model):
    """Numbered by an integer."""

    id = models.AutoField(primary_key=True)
    name = models.CharField(max_length=20)


class GivenKey(models.Model):
    """A number that somebody gives."""

    number = models.IntegerField(primary_key=True)
    name = models.CharField(max_length=20)


class TextKey(models.Model):
    """A text as primary key."""

    code = models.CharField(max_length=20, primary_key=True)
    name = models.CharField(max_length=20)


class UuidKey(models.Model):
    """A UUID as primary key."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    name = models.CharField(max_length=20)


class DayKey(models.Model):
    """A day as primary key."""

    day = models.DateField(primary_key=True)
    name = models.CharField(max_length=20)


class UuidChild(models.Model):
    """Refers to rows with a UUID and with a text as key."""

    parent = models.ForeignKey(UuidKey, models.CASCADE, null=True)
    code = models.ForeignKey(TextKey, models.CASCADE, null=True)
    others = models.ManyToManyField(UuidKey, related_name="+")
    codes = models.ManyToManyField(TextKey, related_name="+")
