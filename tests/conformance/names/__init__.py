"""A Django app whose tables and columns are called otherwise than its models and fields."""
