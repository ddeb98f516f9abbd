"""A school that nobody attends: a site to try restores on."""
