"""What lies in memory for several runs and can be made again: that of the run asked last, as far as there is room.

Series as the engine multiplies them are read anew from where they were measured, products multiplied anew: that takes
longer and gives the same.
"""

from __future__ import annotations

import threading
import weakref
from typing import Protocol

from glmwidgets.files.memory import available_memory

#: Share of the memory that is left which either may take: a fit and its maps need the rest.
MOST_OF_MEMORY = 0.4


class Owner(Protocol):
    """What may be asked to let go of what it holds."""

    def let_go(self) -> None:
        """Let go of what can be made again, if it is not in use."""


class Held:
    """Owners of what lies in memory, within one budget; the one asked last has it longest.

    Parameters
    ----------
    most : int
        Bytes at most; less where memory is short.

    Examples
    --------
    >>> class Run:
    ...     def let_go(self):
    ...         print("let go")
    >>> held, one, another = Held(100), Run(), Run()
    >>> held.has_room(one, 80), held.has_room(another, 60), held.has_room(one, 200)
    let go
    (True, True, False)
    """

    def __init__(self, most: int):
        self.most = most
        self._owners: dict[int, tuple[weakref.ref[Owner], int]] = {}
        self._lock = threading.RLock()

    def has_room(self, owner: Owner, n_bytes: int) -> bool:
        """Whether an owner may hold so much; the others let go of theirs, as far as that is needed."""
        with self._lock:
            self._owners = {key: row for key, row in self._owners.items() if row[0]() is not None and key != id(owner)}
            taken = sum(size for _, size in self._owners.values())
            left = available_memory()
            most = self.most if left is None else min(self.most, int(MOST_OF_MEMORY * (left + taken)))
            if n_bytes > most:
                return False
            for key, (other, size) in list(self._owners.items()):
                if taken + n_bytes <= most:
                    break
                if (there := other()) is not None:
                    there.let_go()
                del self._owners[key]
                taken -= size
            self._owners[id(owner)] = (weakref.ref(owner), n_bytes)
            return True

    def asked(self, owner: Owner) -> None:
        """Note that an owner was asked for what it holds."""
        with self._lock:
            if id(owner) in self._owners:
                self._owners[id(owner)] = self._owners.pop(id(owner))


#: Centred series of the runs that are looked at in this process.
SERIES = Held(512 * 2**20)

#: Products with design columns that may come back (undo, a slider dragged to and fro).
PRODUCTS = Held(256 * 2**20)
