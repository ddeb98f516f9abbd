"""Models that refer to each other, with natural keys."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models


class ByNaturalKey(models.Manager[Any]):
    """Finds a row by the fields that the model names."""

    def get_by_natural_key(self, *values: object) -> Any:
        """The row of a natural key."""
        return self.get(**dict(zip(self.model.natural, values, strict=True)))


class Named(models.Model):
    """Has a natural key of its own fields."""

    natural: ClassVar[tuple[str, ...]] = ("name",)
    objects = ByNaturalKey()

    class Meta:
        abstract = True

    def natural_key(self) -> tuple[Any, ...]:
        """What the row is called."""
        return tuple(getattr(self, name) for name in self.natural)


class Author(Named):
    """Unique by name; refers to itself."""

    name = models.CharField(max_length=60, unique=True)
    mentor = models.ForeignKey("self", models.SET_NULL, null=True)
    friends = models.ManyToManyField("self")


class Poet(Author):
    """A proxy: rows of authors."""

    class Meta:
        proxy = True


class Biography(models.Model):
    """One for an author, under the author's key."""

    author = models.OneToOneField(Author, models.CASCADE, primary_key=True)
    text = models.TextField()


class Publisher(Named):
    """Closes a circle: its flagship is one of its books."""

    name = models.CharField(max_length=60, unique=True)
    flagship = models.ForeignKey("Book", models.SET_NULL, null=True, related_name="+")


class Tag(Named):
    """Unique by slug."""

    natural = ("slug",)
    slug = models.SlugField(unique=True)


class BookManager(models.Manager[Any]):
    """Finds books by a key that passes through the author."""

    def get_by_natural_key(self, title: str, author: str) -> Any:
        """The book of an author."""
        return self.get(title=title, author__name=author)


class Book(models.Model):
    """Unique by title and author; its natural key holds the author's."""

    title = models.CharField(max_length=80)
    author = models.ForeignKey(Author, models.CASCADE)
    publisher = models.ForeignKey(Publisher, models.CASCADE, null=True)
    tags = models.ManyToManyField(Tag)
    sequels = models.ManyToManyField("self", symmetrical=False, related_name="prequels")
    objects = BookManager()

    class Meta:
        unique_together: ClassVar = [("title", "author")]

    def natural_key(self) -> tuple[Any, ...]:
        """Its title and its author's name."""
        return (self.title, *self.author.natural_key())

    natural_key.dependencies = ["relations.author"]  # type: ignore[attr-defined]  # noqa: RUF012  Django reads it so


class ChapterManager(models.Manager[Any]):
    """Finds chapters by a key that passes through two references."""

    def get_by_natural_key(self, number: int, title: str, author: str) -> Any:
        """A chapter of a book of an author."""
        return self.get(number=number, book__title=title, book__author__name=author)


class Chapter(models.Model):
    """The constraint has the book first, the natural key has it last."""

    book = models.ForeignKey(Book, models.CASCADE)
    number = models.IntegerField()
    follows = models.ForeignKey("self", models.SET_NULL, null=True)
    objects = ChapterManager()

    class Meta:
        unique_together: ClassVar = [("book", "number")]

    def natural_key(self) -> tuple[Any, ...]:
        """Its number, and its book's key."""
        return (self.number, *self.book.natural_key())

    natural_key.dependencies = ["relations.book"]  # type: ignore[attr-defined]  # noqa: RUF012  Django reads it so


class Bookmark(models.Model):
    """Refers by long natural keys."""

    chapter = models.ForeignKey(Chapter, models.CASCADE)
    also = models.ManyToManyField(Chapter, related_name="+")


class Seat(Named):
    """Two numbers, which the constraint has in another order than the natural key."""

    natural = ("row", "place")
    row = models.IntegerField()
    place = models.IntegerField()

    class Meta:
        unique_together: ClassVar = [("place", "row")]


class Ticket(models.Model):
    """Refers to a seat."""

    seat = models.ForeignKey(Seat, models.CASCADE)


class Motto(Named):
    """Its natural key is not unique in the database."""

    natural = ("text",)
    text = models.CharField(max_length=80)


class Banner(models.Model):
    """Refers to a motto."""

    motto = models.ForeignKey(Motto, models.CASCADE)


class Twice(Named):
    """Two unique columns; only one of them is the natural key."""

    natural = ("code",)
    name = models.CharField(max_length=20, unique=True)
    code = models.CharField(max_length=20, unique=True)


class OfTwice(models.Model):
    """Refers to one of them."""

    twice = models.ForeignKey(Twice, models.CASCADE)


class Number(Named):
    """The natural key is a number, as the primary key is."""

    natural = ("value",)
    value = models.IntegerField(unique=True)


class OfNumber(models.Model):
    """Refers to a number."""

    number = models.ForeignKey(Number, models.CASCADE)


class State(Named):
    """The primary key is the natural key: a file made with natural primary keys has it nowhere but in references."""

    natural = ("code",)
    code = models.CharField(max_length=20, primary_key=True)
    title = models.CharField(max_length=40)


class Step(models.Model):
    """Refers to states."""

    state = models.ForeignKey(State, models.CASCADE)
    next = models.ManyToManyField(State, related_name="+")


class Person(models.Model):
    """Is referred to by a unique column that is not the primary key."""

    number = models.CharField(max_length=10, unique=True)
    name = models.CharField(max_length=40)


class Loan(models.Model):
    """Refers to a person's number; unique by two columns, one of which may be empty."""

    reader = models.ForeignKey(Person, models.CASCADE, to_field="number")
    book = models.ForeignKey(Book, models.CASCADE, null=True)
    copy = models.IntegerField(null=True)

    class Meta:
        unique_together: ClassVar = [("book", "copy")]


class Badge(models.Model):
    """Refers to a unique number."""

    person = models.OneToOneField(Person, models.CASCADE, to_field="number", null=True)
    members = models.ManyToManyField(Person, through="Membership", related_name="badges")


class Membership(models.Model):
    """A table between two others, with a column of its own."""

    badge = models.ForeignKey(Badge, models.CASCADE)
    person = models.ForeignKey(Person, models.CASCADE)
    since = models.DateField(null=True)


class Place(Named):
    """The first of three tables that hold one object."""

    name = models.CharField(max_length=40, unique=True)


class Restaurant(Place):
    """The second table, under the first one's key."""

    stars = models.IntegerField(default=0)
    dishes = models.ManyToManyField(Tag)


class Pizzeria(Restaurant):
    """The third table."""

    oven = models.CharField(max_length=20)


class Kiosk(models.Model):
    """Has a key of its own beside the reference to its parent."""

    place = models.OneToOneField(Place, models.CASCADE, parent_link=False)
    open = models.BooleanField(default=True)


class Visit(models.Model):
    """Refers to a row of a derived table."""

    restaurant = models.ForeignKey(Restaurant, models.CASCADE)


class Remark(models.Model):
    """Refers to a row of any table, by number."""

    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.PositiveIntegerField()
    target = GenericForeignKey()
    text = models.TextField()


class Trail(models.Model):
    """Refers to a row of any table, by text, perhaps to none."""

    kind = models.ForeignKey(ContentType, models.SET_NULL, null=True)
    key = models.CharField(max_length=60)
    target = GenericForeignKey("kind", "key")
