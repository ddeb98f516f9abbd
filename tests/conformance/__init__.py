"""The same fixtures through Django's loaddata and through a restore, into equal empty schemas of Django's making."""
