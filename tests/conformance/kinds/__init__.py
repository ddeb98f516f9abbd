"""A Django app with every kind of field and of key."""
