# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The country whose national telephone numbers are meant: from a name or a code as services hold it.

Microsoft 365 holds ISO 3166 codes (`usageLocation`), IT Glue the names of countries. Names are held in English,
with the spellings that are common besides; a country that is not found leaves numbers to be compared by digits.
"""

from __future__ import annotations

from functools import cache

from .text import folded

_NAMES = """\
AD: Andorra
AE: United Arab Emirates; UAE
AF: Afghanistan
AG: Antigua and Barbuda
AI: Anguilla
AL: Albania
AM: Armenia
AO: Angola
AR: Argentina
AS: American Samoa
AT: Austria; Österreich
AU: Australia
AW: Aruba
AX: Åland Islands; Aland Islands
AZ: Azerbaijan
BA: Bosnia and Herzegovina; Bosnia
BB: Barbados
BD: Bangladesh
BE: Belgium; Belgique; België
BF: Burkina Faso
BG: Bulgaria
BH: Bahrain
BI: Burundi
BJ: Benin
BL: Saint Barthélemy; Saint Barthelemy
BM: Bermuda
BN: Brunei; Brunei Darussalam
BO: Bolivia; Bolivia, Plurinational State of
BQ: Caribbean Netherlands
BR: Brazil; Brasil
BS: Bahamas; Bahamas, The; The Bahamas
BT: Bhutan
BW: Botswana
BY: Belarus
BZ: Belize
CA: Canada
CC: Cocos (Keeling) Islands
CD: Democratic Republic of the Congo; Congo, The Democratic Republic of the
CF: Central African Republic
CG: Republic of the Congo; Congo
CH: Switzerland; Schweiz; Suisse; Svizzera
CI: Ivory Coast; Côte d'Ivoire
CK: Cook Islands
CL: Chile
CM: Cameroon
CN: China; People's Republic of China
CO: Colombia
CR: Costa Rica
CU: Cuba
CV: Cape Verde; Cabo Verde
CW: Curaçao; Curacao
CX: Christmas Island
CY: Cyprus
CZ: Czechia; Czech Republic
DE: Germany; Deutschland
DJ: Djibouti
DK: Denmark; Danmark
DM: Dominica
DO: Dominican Republic
DZ: Algeria
EC: Ecuador
EE: Estonia
EG: Egypt
EH: Western Sahara
ER: Eritrea
ES: Spain; España
ET: Ethiopia
FI: Finland; Suomi
FJ: Fiji
FK: Falkland Islands; Falkland Islands (Malvinas)
FM: Micronesia; Micronesia, Federated States of
FO: Faroe Islands
FR: France
GA: Gabon
GB: United Kingdom; UK; Great Britain; United Kingdom of Great Britain and Northern Ireland; England; Scotland; \
Wales; Northern Ireland
GD: Grenada
GE: Georgia
GF: French Guiana
GG: Guernsey
GH: Ghana
GI: Gibraltar
GL: Greenland
GM: Gambia; Gambia, The; The Gambia
GN: Guinea
GP: Guadeloupe
GQ: Equatorial Guinea
GR: Greece
GT: Guatemala
GU: Guam
GW: Guinea-Bissau
GY: Guyana
HK: Hong Kong; Hong Kong SAR; Hong Kong SAR China
HN: Honduras
HR: Croatia
HT: Haiti
HU: Hungary
ID: Indonesia
IE: Ireland; Republic of Ireland
IL: Israel
IM: Isle of Man
IN: India
IO: British Indian Ocean Territory
IQ: Iraq
IR: Iran; Iran, Islamic Republic of
IS: Iceland
IT: Italy; Italia
JE: Jersey
JM: Jamaica
JO: Jordan
JP: Japan
KE: Kenya
KG: Kyrgyzstan
KH: Cambodia
KI: Kiribati
KM: Comoros
KN: Saint Kitts and Nevis
KP: North Korea
KR: South Korea; Korea; Republic of Korea; Korea, Republic of
KW: Kuwait
KY: Cayman Islands
KZ: Kazakhstan
LA: Laos; Lao People's Democratic Republic
LB: Lebanon
LC: Saint Lucia
LI: Liechtenstein
LK: Sri Lanka
LR: Liberia
LS: Lesotho
LT: Lithuania
LU: Luxembourg
LV: Latvia
LY: Libya; Libyan Arab Jamahiriya
MA: Morocco
MC: Monaco
MD: Moldova; Moldova, Republic of
ME: Montenegro
MF: Saint Martin
MG: Madagascar
MH: Marshall Islands
MK: North Macedonia; Macedonia; Macedonia, Republic of
ML: Mali
MM: Myanmar; Burma
MN: Mongolia
MO: Macao; Macau
MP: Northern Mariana Islands
MQ: Martinique
MR: Mauritania
MS: Montserrat
MT: Malta
MU: Mauritius
MV: Maldives
MW: Malawi
MX: Mexico; México
MY: Malaysia
MZ: Mozambique
NA: Namibia
NC: New Caledonia
NE: Niger
NF: Norfolk Island
NG: Nigeria
NI: Nicaragua
NL: Netherlands; Nederland; The Netherlands; Holland
NO: Norway; Norge
NP: Nepal
NR: Nauru
NU: Niue
NZ: New Zealand
OM: Oman
PA: Panama
PE: Peru
PF: French Polynesia
PG: Papua New Guinea
PH: Philippines
PK: Pakistan
PL: Poland; Polska
PM: Saint Pierre and Miquelon
PR: Puerto Rico
PS: Palestine; Palestinian Territory, Occupied
PT: Portugal
PW: Palau
PY: Paraguay
QA: Qatar
RE: Réunion; Reunion
RO: Romania
RS: Serbia
RU: Russia; Russian Federation
RW: Rwanda
SA: Saudi Arabia
SB: Solomon Islands
SC: Seychelles
SD: Sudan
SE: Sweden; Sverige
SG: Singapore
SH: Saint Helena
SI: Slovenia
SJ: Svalbard and Jan Mayen
SK: Slovakia; Slovak Republic
SL: Sierra Leone
SM: San Marino
SN: Senegal
SO: Somalia
SR: Suriname
SS: South Sudan
ST: São Tomé and Príncipe; Sao Tome and Principe
SV: El Salvador
SX: Sint Maarten
SY: Syria; Syrian Arab Republic
SZ: Eswatini; Swaziland
TC: Turks and Caicos Islands
TD: Chad
TG: Togo
TH: Thailand
TJ: Tajikistan
TK: Tokelau
TL: Timor-Leste; East Timor
TM: Turkmenistan
TN: Tunisia
TO: Tonga
TR: Turkey; Türkiye
TT: Trinidad and Tobago; Trinidad
TV: Tuvalu
TW: Taiwan; Taiwan, Province of China
TZ: Tanzania; Tanzania, United Republic of
UA: Ukraine
UG: Uganda
US: United States; USA; United States of America
UY: Uruguay
UZ: Uzbekistan
VA: Vatican City; Vatican; Holy See (Vatican City State)
VC: Saint Vincent and Grenadines
VE: Venezuela; Venezuela, Bolivarian Republic of
VG: British Virgin Islands; Virgin Islands, British
VI: U.S. Virgin Islands; Virgin Islands, U.S.
VN: Vietnam; Viet Nam
VU: Vanuatu
WF: Wallis and Futuna
WS: Samoa
XK: Kosovo
YE: Yemen
YT: Mayotte
ZA: South Africa
ZM: Zambia
ZW: Zimbabwe
"""


def region(country: str | None) -> str | None:
    """The ISO 3166 code of a country by its code or name; None where it is blank or not known."""
    return _codes().get(folded(country)) if country else None


@cache
def _codes() -> dict[str, str]:
    codes: dict[str, str] = {}
    for line in _NAMES.splitlines():
        code, dummy, names = line.partition(": ")
        codes |= dict.fromkeys(map(folded, (code, *names.split("; "))), code)
    return codes
