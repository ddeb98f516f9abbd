"""A Django app with every kind of relation."""
