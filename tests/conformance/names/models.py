"""Names in the database that no rule leads to."""

from __future__ import annotations

from django.db import models


class Member(models.Model):
    """Another table and other columns."""

    name = models.CharField(max_length=40, db_column="vollName")
    order = models.IntegerField(db_column="select", default=0)
    head = models.ForeignKey("self", models.SET_NULL, null=True, db_column="Leiter")

    class Meta:
        db_table = "T Mitglieder"


class Team(models.Model):
    """A link table of its own name, and a reference whose column does not end in _id."""

    title = models.CharField(max_length=40)
    captain = models.ForeignKey(Member, models.CASCADE, db_column="kapitaen")
    members = models.ManyToManyField(Member, related_name="+", db_table="Ämter & Würden")

    class Meta:
        db_table = "club_mannschaft"


class MixedCase(models.Model):
    """A name in capitals: labels are in small letters."""

    Value = models.CharField(max_length=40)


class Suffixed(models.Model):
    """A table that only ends in the model's name."""

    value = models.CharField(max_length=40)

    class Meta:
        db_table = "legacy_app_suffixed"


class Ambiguous(models.Model):
    """A table of which another one also is called so."""

    value = models.CharField(max_length=40)

    class Meta:
        db_table = "one_ambiguous"


class OtherAmbiguous(models.Model):
    """The other one."""

    value = models.CharField(max_length=40)

    class Meta:
        db_table = "two_ambiguous"
