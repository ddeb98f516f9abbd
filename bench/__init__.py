"""The benchmark: the same generated file through Django's loaddata, a raw bulk write, and a restore."""
