"""Damage to files, by chance."""

from __future__ import annotations

import random


def mutate(whole: bytes, seed: random.Random) -> bytes:
    """Flip a bit, delete, insert or repeat something; once or a few times."""
    mutated = bytearray(whole)
    for _ in range(seed.choice((1, 1, 1, 2, 5))):
        at = seed.randrange(len(mutated) + 1)
        length = seed.choice((1, 1, 2, 8, 40))
        match seed.randrange(5):
            case 0 if at < len(mutated):
                mutated[at] ^= 1 << seed.randrange(8)
            case 1:
                del mutated[at : at + length]
            case 2:
                mutated[at:at] = seed.randbytes(length)
            case 3:
                mutated[at:at] = bytes(seed.choice(b' \n\r\t{}[]",:\\0189eE+-.u<>/&*!') for _ in range(length))
            case _:
                other = seed.randrange(len(mutated) + 1)
                mutated[at:at] = mutated[other : other + length]
        mutated = mutated or bytearray(b"[")
    return bytes(mutated)
