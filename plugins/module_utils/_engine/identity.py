# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is who: what two names say about two records, and which record a create has made.

Names are one of the two kinds of evidence; the other is an address that both records hold. Poorly kept
names (a title, an initial, swapped fields, a nickname) do not speak against an address, names of somebody
else do. Nothing is matched by likeness (guide to matching).

Writers, journal and revert ask here which record a create has made (`find_created`), for IT Glue
and BMS alike: the one with the same names and a common address that was not there before. A job
title, a further address, or any other field that was set since does not make it somebody else's.
Where several records could be it, none is taken: all of them are reported.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Generic, TypeAlias, TypeVar

from .grouping import by_key, by_one_key, found_under
from .model import BmsContact, Contact
from .text import FullName, bms_addresses, contact_addresses, name, unless_blank

Record = TypeVar("Record", Contact, BmsContact)

RawNames: TypeAlias = "tuple[str | None, str | None]"
"""First and last name of a user, a contact or a BMS contact, as the service gives them."""

TITLES = frozenset(
    "mr mrs ms mx miss dr dra prof professor mme mlle monsieur madame herr frau fräulein hr hrn fru dhr mevr drs "
    "dott sra srta señor señora signor signora phd msc bsc esq rev mgr shri smt".split()
)
"""Words that say what somebody is, not who."""

TITLES_BESIDE_A_NAME = frozenset("dipl ing mag med rer nat habil ir sig ssa sir".split())
"""Titles that are names as well: dropped only where the same field holds another word."""

SURNAMES = frozenset(["herr"])
"""Titles that are surnames as well: alone in the field of the last name they are one."""

UNKNOWN = frozenset(
    "n/a n.a. n.a unknown unbekannt inconnu inconnue desconocido desconocida sconosciuto onbekend tbd tbc noname "
    "(unknown) <unknown> (none) (blank)".split()
)
"""What people write where a name is not known. A field without any letter or digit is blank as well."""

_NO_NAMES = TITLES | UNKNOWN

_SEPARATORS = re.compile(r"""[\s.,;:/_()\[\]{}<>"\u201c\u201d\u201e«»·・\-]+""")
_DOCTORATE = re.compile(r"\bph\.\s?d\b")
_WITHOUT_DECOMPOSITION = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "ı": "i",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ħ": "h",
        "ŧ": "t",
        "ŋ": "n",
        "'": "",
    }
)
_TRANSCRIBED = re.compile("([aou])e")
"""How ä, ö and ü are written without the diacritic."""

# The marks of voicing (Japanese) and of missing vowels (Indic scripts) are not diacritics: they make another letter.
_HIGHEST_CLASS_OF_LETTERS = 9


class Names(StrEnum):
    """What the names of two records say: `same` for it, `different` against it, `open` neither."""

    SAME = "same"
    OPEN = "open"
    DIFFERENT = "different"


# ------------------------------------------------------------------ comparing


def compare_names(one: RawNames, other: RawNames) -> Names:
    """What the first and last names of two records say about them. The order of the two does not matter."""
    key = same_key(*one)
    # Most records that are compared are spelled alike.
    if key is not None and (one == other or key == same_key(*other)):
        return Names.SAME
    return Names.OPEN if _are_open(one, other) else Names.DIFFERENT


@lru_cache(maxsize=131072)
def same_key(first: str | None, last: str | None) -> FullName | None:
    """The form in which names that are `same` are equal: diacritics count, hyphens and blanks do not.

    None where the first or the last name is blank, or holds a title or a placeholder only.
    """
    first_key = _joined(first)
    if not first_key:
        return None
    last_key = _joined(last) or _surname_like_a_title(last)
    return (first_key, last_key) if last_key else None


def single_name(first: str | None, last: str | None) -> str:
    """The only name of somebody who has one, whichever field holds it, in the form of `same_key`. Else blank."""
    keys = [key for key in (_joined(first), _joined(last) or _surname_like_a_title(last)) if key]
    return keys[0] if len(keys) == 1 else ""


def name_as_written(present: str | None, wanted: str | None, *, surname: bool = False) -> str | None:
    """What a field for a first name, or for a `surname`, holds once `wanted` is written over `present`.

    What counts as blank where names are compared, such as a placeholder, replaces no name.
    """
    new = unless_blank(present, wanted)
    return present if new is not present and _is_name(present, surname) and not _is_name(new, surname) else new


def _is_name(part: str | None, surname: bool) -> bool:
    return bool(_joined(part) or (surname and _surname_like_a_title(part)))


def have_common_word(one: RawNames, other: RawNames) -> bool:
    """Whether any word occurs in the names of both records; diacritics do not count."""
    return not {*_folded_words(one[0]), *_folded_words(one[1])}.isdisjoint(
        (*_folded_words(other[0]), *_folded_words(other[1]))
    )


def first_names_agree(one: RawNames, other: RawNames) -> bool:
    """Whether the first names are equal, missing on one side, or one is the initial of the other."""
    first, second = _folded_words(one[0]), _folded_words(other[0])
    return not first or not second or "".join(first) == "".join(second) or _is_initial(first, second)


def _are_open(one: RawNames, other: RawNames) -> bool:
    first, last = _folded_words(one[0]), _folded_words(one[1])
    other_first, other_last = _folded_words(other[0]), _folded_words(other[1])
    words, other_words = {*first, *last}, {*other_first, *other_last}
    if words <= other_words or other_words <= words:
        return True
    if _agree(first, other_first) or _agree(last, other_last):
        return True
    if _is_initial(first, other_first) and not _contradict(last, other_last):
        return True
    if _is_initial(last, other_last) and not _contradict(first, other_first):
        return True
    return _are_rearranged(one, other) or _scripts(one).isdisjoint(_scripts(other))


def _agree(one: Sequence[str], other: Sequence[str]) -> bool:
    return bool(one) and "".join(one) == "".join(other)


def _is_initial(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether one of the two is made of initials of the other: `J.R.` of `John Ronald`, `J` of both."""
    if not one or not other:
        return False
    short, long = (one, other) if all(len(word) == 1 for word in one) else (other, one)
    return all(len(word) == 1 for word in short) and all(
        word.startswith(initial) for initial, word in zip(short, long, strict=False)
    )


def _contradict(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two names of one field speak against each other."""
    if _agree(one, other) or _is_initial(one, other):
        return False
    return not (set(one) <= set(other) or set(other) <= set(one))


def _are_rearranged(one: RawNames, other: RawNames) -> bool:
    """Whether both names are the same text in other fields: scripts without blanks have no words to compare."""
    first, last = ("".join(_folded_words(part)) for part in one)
    other_first, other_last = ("".join(_folded_words(part)) for part in other)
    return not {first + last, last + first}.isdisjoint({other_first + other_last, other_last + other_first})


def _scripts(names: RawNames) -> frozenset[str]:
    """The scripts of the letters, by the first words of their Unicode names: `LATIN`, `CYRILLIC`, `CJK`, ..."""
    letters = filter(str.isalpha, "".join((*_folded_words(names[0]), *_folded_words(names[1]))))
    return frozenset(unicodedata.name(letter, "?").partition(" ")[0] for letter in letters)


# ---------------------------------------------------------------------- words


def _joined(part: str | None) -> str:
    if not part:
        return ""
    if part.isascii() and part.isalpha():
        key = part.casefold()
        return "" if key in _NO_NAMES else key
    return "".join(_words(part))


def _surname_like_a_title(last: str | None) -> str:
    key = name(last)
    return key if key in SURNAMES else ""


@lru_cache(maxsize=4096)
def _words(part: str | None) -> tuple[str, ...]:
    """The words of a first or last name in the form in which names are compared, without titles.

    There is none where the field holds a placeholder or an e-mail address.
    """
    key = name(part)
    if not key:
        return ()
    if key.isalpha() and key not in _NO_NAMES:
        return (key,)
    if "@" in key or key in UNKNOWN or not any(map(str.isalnum, key)):
        return ()
    words = [word for word in _SEPARATORS.split(_DOCTORATE.sub("phd", key)) if word and word not in TITLES]
    return tuple([word for word in words if word not in TITLES_BESIDE_A_NAME] or words)


@lru_cache(maxsize=4096)
def _folded_words(part: str | None) -> tuple[str, ...]:
    """The words of a name without diacritics: `müller`, `mueller` and `muller` are one."""
    return tuple(filter(None, map(_without_diacritics, _words(part))))


def _without_diacritics(word: str) -> str:
    letters = [
        letter
        for letter in unicodedata.normalize("NFD", word)
        if unicodedata.combining(letter) <= _HIGHEST_CLASS_OF_LETTERS
    ]
    return _TRANSCRIBED.sub(r"\1", "".join(letters).translate(_WITHOUT_DECOMPOSITION))


# ---------------------------------------------------- which record a create made


@dataclass(frozen=True, slots=True)
class Created(Generic[Record]):
    """Which record a create has made: `record`, where exactly one could be it. `alike` are all that could."""

    record: Record | None = None
    alike: tuple[Record, ...] = ()

    @property
    def is_unclear(self) -> bool:
        """Whether records could be it, and none can be distinguished from the others."""
        return self.record is None and bool(self.alike)


def could_be(record: Record, wanted: Record) -> bool:
    """Whether `record` can be what became of `wanted`: the same names and a common address."""
    return names_of(record) == names_of(wanted) and not addresses_of(record).isdisjoint(addresses_of(wanted))


class Resembling(Generic[Record]):
    """Which of the records that are `present` could be taken for what becomes of another."""

    def __init__(self, present: Collection[Record]) -> None:
        self._present: Collection[Record] = present

    @cached_property
    def _by_names(self) -> Mapping[tuple[str, str], tuple[Record, ...]]:
        return by_one_key(self._present, map(names_of, self._present))

    def to(self, wanted: Record) -> tuple[Record, ...]:
        return tuple(each for each in self._by_names.get(names_of(wanted), ()) if could_be(each, wanted))


def find_created(
    wanted: Sequence[Record], present: Iterable[Record], known: Collection[int] = ()
) -> list[Created[Record]]:
    """What was made of each of `wanted`, in their order, among the records that are `present`.

    `known` are the ids of records that were there before, or that are another create's. A record that
    two of `wanted` could have become is given to neither.
    """
    new: Resembling[Record] = Resembling([record for record in present if record.id not in known])
    return _distinguished([new.to(one) for one in wanted])


def find_answered(wanted: Sequence[Record], answered: Iterable[Record]) -> list[Created[Record]]:
    """What was made of each of `wanted`, in their order, among the records of the answer to their create.

    The answer shows nothing but what was just made, and may show it without addresses: then the
    names tell it, where they are nobody else's in the request.
    """
    records = list(answered)
    found = find_created(wanted, records)
    taken = {each.record.id for each in found if each.record is not None}
    free = [record for record in records if record.id not in taken]
    by_names = by_one_key(free, map(names_of, free))
    left = [() if each.record else by_names.get(names_of(one), ()) for each, one in zip(found, wanted, strict=True)]
    return [each if each.record else other for each, other in zip(found, _distinguished(left), strict=True)]


def find_duplicates(
    made: Iterable[Record], present: Collection[Record], known: Callable[[Record], Collection[int]]
) -> list[tuple[Record, tuple[Record, ...]]]:
    """The records of `made`, which creates of one run have made, of whose person somebody else has made another; with
    the others. `known` gives the ids of the records that were there before one of `made`.

    The other has the same names, and an address in common, or none that a namesake holds: another of these names who
    was there before, or whom the run made.
    """
    own: dict[int, Record] = {record.id: record for record in made}
    if all(record.id in own for record in present):
        return []
    holders: dict[str, tuple[Record, ...]] = by_key(present, map(addresses_of, present))
    names = [same_key(each.first_name, each.last_name) for each in present]
    by_names: dict[FullName, tuple[Record, ...]] = by_one_key(present, names)
    found: list[tuple[Record, tuple[Record, ...]]] = []
    for record in own.values():
        before = known(record)
        key = same_key(record.first_name, record.last_name)
        sharing: list[Record] = list(found_under(addresses_of(record), holders))
        alike: list[Record] = list(by_names.get(key, ()) if key is not None else ())
        others: dict[int, Record] = {
            one.id: one
            for one in sharing + alike
            if one.id not in own and one.id not in before and _is_another_of(record, one, holders, own, before)
        }
        if others:
            found.append((record, tuple(one for dummy, one in sorted(others.items()))))
    return found


def _is_another_of(
    record: Record,
    one: Record,
    holders: Mapping[str, Sequence[Record]],
    own: Container[int],
    before: Container[int],
) -> bool:
    """Whether `one` is of the person of a record: not of a namesake whom the run made, or who was there `before`."""
    if not have_same_names(one, record):
        return False
    addresses = addresses_of(one)
    if not addresses.isdisjoint(addresses_of(record)):
        return True
    return same_key(one.first_name, one.last_name) is not None and not any(
        (other.id in own or other.id in before) and have_same_names(one, other)
        for each in addresses
        for other in holders[each]
    )


def have_same_names(one: Contact | BmsContact, other: Contact | BmsContact) -> bool:
    """Whether two have the same names, be it only one of them, or spelled alike."""
    if names_of(one) == names_of(other):
        return True
    return compare_names((one.first_name, one.last_name), (other.first_name, other.last_name)) == Names.SAME


def _distinguished(alike: Sequence[tuple[Record, ...]]) -> list[Created[Record]]:
    """The only one of each, unless it is another's too."""
    claims = Counter(record.id for records in alike for record in records)
    return [
        Created(records[0] if len(records) == 1 and claims[records[0].id] == 1 else None, records) for records in alike
    ]


def names_of(record: Contact | BmsContact) -> tuple[str, str]:
    """First and last name in the form in which they are compared."""
    return name(record.first_name), name(record.last_name)


def addresses_of(record: Contact | BmsContact) -> frozenset[str]:
    """All addresses in the form in which they are compared."""
    return contact_addresses(record) if isinstance(record, Contact) else bms_addresses(record)
