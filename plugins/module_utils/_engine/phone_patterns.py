# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words and marks in texts that hold telephone numbers, in the languages of the customers (guide to matching)."""

from __future__ import annotations

import re
from functools import lru_cache

# A plus and digits, with nothing but single blanks between them.
PLAIN_INTERNATIONAL = re.compile(r"\+[0-9]+(?: [0-9]+)*")
BRACKETS = str.maketrans("[]{}", "()()")  # the library knows round ones alone
INTERNATIONAL = re.compile(r"\D*(?:\+|00(?=[ ./()-]*[1-9]))")
TRUNK_ZERO = re.compile(r"(?<=\d)([ ./-]*)[(\[]\s*0\s*[)\]]")

_EXTENSION_WORDS = (
    "extension|extensión|extensão|extensao|exten|extn|ext|x|#|"
    "poste|durchwahl|dw|nebenstelle|nst|apparat|app|klappe|kl|interno|interne|int|anexo|ramal|toestel|tst|anknytning|"
    "ankn|lokal|alanumero|wewn|wew|linka|klapka|mellék|kućni|dahili|pesawat|số máy lẻ|máy lẻ|số lẻ|"
    "εσωτερικό|εσωτ|доб|внутр|вн|שלוחה|تحويلة|داخلي|داخلی|内線|分机|分機|转|轉|내선|ต่อ"
)
# The letter before keeps a word that ends in x, as `fax`, from being taken for a mark.
EXTENSION = re.compile(
    r"(?:"
    rf"[\s,;:.(\[/-]{{0,9}}(?<![^\W\d_])(?:{_EXTENSION_WORDS})[\s.:=#(-]{{0,5}}"
    r"(?:n(?:o|r|umber)[\s.:]{1,3})?(?P<labelled>\d{1,15})(?!\d)"
    r"|\s*(?:,{2,}|;)\s*(?P<dialled>\d{1,6})(?!\d|[\s./-]*\d)"
    r"|\s*,(?P<confirmed>\d{1,6})(?=#)"
    r")#?\s*[)\]]?",
    re.IGNORECASE,
)
EXTENSION_AT_END = re.compile(rf"{EXTENSION.pattern}\s*$", re.IGNORECASE)

# In a number no group of a date stands alone, so a date within a longer row of groups is none.
DATE_OR_TIME = re.compile(
    r"(?<![\d+(])(?<!\d[./-])(?:"
    r"(?:19|20)\d\d(?P<a>[./-])(?:0?[1-9]|1[0-2])(?P=a)(?:0?[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])(?P<b>[./-])(?:0?[1-9]|[12]\d|3[01])(?P=b)(?:(?:19|20)\d\d)"
    r"|(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?"
    r")(?!\d|[./-]\d)"
)
DATE_OF_DIGITS = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
# Of the further numbers of a row only the last digits are written: `27561234/35/36`.
OTHER_ENDINGS = re.compile(r"(?<=\d)(?:\s*/\s*\d{1,4})+\s*$")
BETWEEN_NUMBERS = re.compile(r"[/;,|\n]|\s(?:or|and|oder|und|ou|et|y|o|&)\s", re.IGNORECASE)

WORDS_OF_PHONES = frozenset(
    "tel telephone phone ph number no nr mob mobile cell cellular work office home desk direct directline line main "
    "landline business private switchboard reception telefon telefono teléfono téléphone tél telefoon handy mobil "
    "cel celular tlf büro geschäftlich privat zentrale portable bureau domicile móvil movil oficina casa cellulare "
    "ufficio whatsapp t m p o h w d a ddi did uri".split()
)
WORD = re.compile(r"[^\W\d_]+")

# A fax is no telephone.
_FAX_BEFORE = re.compile(
    r"(?:(?<![^\W_])(?:tele|e-?)?fax(?:[\s-]*(?:no|nr|number))?|(?<![^\W_])f)[\s.:()]*$", re.IGNORECASE
)
_FAX_BEHIND = re.compile(r"[\s.:,(\[/-]*(?:tele|e-?)?fax\s*[)\]]?\s*$", re.IGNORECASE)
_FAX_LABEL = re.compile(r"(?<![^\W_])(?:tele|e-?)?fax|факс|faks|télécopie|ファックス|ファクス|传真|傳真")
_FAX_IN_CAPITALS = re.compile(r"[a-z]F[Aa][Xx]")


@lru_cache(maxsize=1024)
def is_fax_label(label: str | None) -> bool:
    """Whether a label says that its number is that of a fax: `Fax`, `Work Fax`; not `Halifax`."""
    return label is not None and bool(_FAX_LABEL.search(label.casefold()) or _FAX_IN_CAPITALS.search(label))


def is_named_before(text: str) -> bool:
    """Whether the text before a number says that it is a fax."""
    return _FAX_BEFORE.search(text) is not None


def is_named_behind(text: str) -> bool:
    """Whether the text from a number to the end says that it is a fax; before a further number it is about that."""
    return _FAX_BEHIND.match(text) is not None


def names_a_fax(text: str) -> bool:
    """Whether a text with one number says before or behind its digits that it is a fax."""
    if "f" not in text.casefold():
        return False  # as most texts are digits alone
    before, *dummy, behind = re.split(r"\d", text)
    return is_named_before(before) or is_named_behind(behind)
