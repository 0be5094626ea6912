"""What personal data and secrets look like in a text, whatever field they stand in.

Every pattern looks at a bounded stretch from each place, so that no text takes long.
"""

import re

E_MAIL = "[e-mail]"
PHONE = "[phone]"
CARD = "[card]"
IBAN = "[iban]"
SECRET = "[secret]"  # noqa: S105 (what is shown in place of one)

LEAST_CHARACTERS = 6  # nothing shorter is any of them
LEAST_SECRET = 13
_CARD_DIGITS = range(13, 20)
_PHONE_DIGITS = range(7, 16)

_E_MAIL = re.compile(r"[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_NUMBER = re.compile(r"(?<![\w])[+(]?\d(?:[ ()./-]{0,2}\d){6,29}(?![\w])")
_DATE = re.compile(
    r"\d{4}[-/.]\d{2}[-/.]\d{2}(?: \d{1,2}(?:\.\d{2})?)?|\d{1,2}[./]\d{1,2}[./]\d{4}|\d{1,3}(?:\.\d{1,3}){3}"
)
_IBAN = re.compile(r"(?<!\w)[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}(?!\w)")
_IBAN_LENGTHS = {
    part[:2]: int(part[2:])
    for part in (
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 "
        "FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 "
        "LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 "
        "SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
    ).split()
}
_MANY_DIGITS = re.compile(r"\d(?:[ ()./-]{0,2}\w){5}")
_SECRET = re.compile(
    r"(?i:\b(?:bearer|basic)\s{1,4}[\w.~+/=-]{8,4096})"
    r"|\b(?:tp|sk|pk|rk|gh[pousr]|github_pat|xox[abeprs]|glpat|whsec)[_-][A-Za-z0-9_-]{10,4096}"
    r"|\beyJ[\w-]{8,4096}\.[\w-]{8,4096}(?:\.[\w-]{0,4096})?"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]{0,8192}"
    r"|(?<=://)[^/\s:@]{1,256}:[^/\s@]{1,256}(?=@)"
)


def without_secrets(text: str) -> str:
    """The text without what looks like a credential."""
    return _SECRET.sub(SECRET, text) if len(text) >= LEAST_SECRET else text


def without_personal_data(text: str) -> str:
    """The text without e-mail addresses, account, card and telephone numbers."""
    if "@" in text:
        text = _E_MAIL.sub(E_MAIL, text)
    if _MANY_DIGITS.search(text) is None:
        return text
    return _NUMBER.sub(_number, _IBAN.sub(_account, text))


def is_card(digits: str) -> bool:
    """Whether these digits are a card's number: as many as one has, with the right check digit."""
    if len(digits) not in _CARD_DIGITS:
        return False
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    return (sum(int(digit) for digit in digits[-1::-2]) + sum(n // 10 + n % 10 for n in doubled)) % 10 == 0


def _account(match: re.Match[str]) -> str:
    whole = match.group()
    length = _IBAN_LENGTHS.get(whole[:2].upper(), 0)
    end = found = 0
    while end < len(whole) and found < length:  # what follows may look like more of it
        found += whole[end] != " "
        end += 1
    text = whole[:end].replace(" ", "").upper()
    turned = text[4:] + text[:4]
    is_whole = found == length > 0 and turned.isascii()
    if is_whole and int("".join(str(int(character, 36)) for character in turned)) % 97 == 1:
        return IBAN + whole[end:]
    return whole


def _number(match: re.Match[str]) -> str:
    text = match.group()
    if _DATE.fullmatch(text):
        return text
    digits = "".join(character for character in text if character.isdigit())
    if is_card(digits):
        return CARD
    written_as_phone = text[0] in "+(" or digits[0] == "0" or (not text.isdigit() and "." not in text)
    return PHONE if written_as_phone and len(digits) in _PHONE_DIGITS else text
