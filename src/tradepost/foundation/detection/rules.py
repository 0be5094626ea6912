"""Which meanings, close to one another, are a sign of what.

A line is a kind, its weight, the number of words within which all meanings stand, the meanings, and after `!` those
that take the sign back where one stands close by ("my instructions", "the instructions on the box").
"""

from dataclasses import dataclass

from tradepost.foundation.detection.kinds import Kind

_RULES = """
override 12 8 ignore instructions all_before ! mine goods
override 12 7 ignore instructions your ! goods
override 12 6 ignore prompt
override 4 5 ignore instructions ! mine goods
override 10 6 ignore told all_before ! mine
override 8 7 void instructions your ! goods
override 8 7 void instructions all_before ! goods mine
override 9 6 new task colon ! goods
override 7 5 new task you ! goods
override 7 4 new task your ! goods mine
override 7 4 new instructions your ! goods mine
override 5 8 to_do colon
override 7 8 to_do act
override 7 6 void told
override 8 7 void prompt
override 7 5 void instructions ! goods mine
override 8 6 ignore above ! mine goods
override 8 6 not heed above ! mine goods
override 8 6 not heed instructions your ! mine goods
override 8 8 not heed instructions all_before ! mine goods
override 7 7 ignore text_word above ! mine
override 6 8 ignore told you ! mine
override 8 6 told void all_before
override 6 10 told void act
override 6 4 instead reading_task
override 10 6 ignore all_before colon act ! mine
override 7 8 ignore all_before act ! mine
addressed 9 7 if you model
addressed 6 7 if you assistant
addressed 8 4 note_to model ! your
addressed 5 3 note_to assistant ! your
addressed 7 6 note_to assistant reads
addressed 7 8 if assistant must
addressed 7 2 model colon
addressed 3 2 assistant colon
addressed 5 4 assistant reads
addressed 6 4 model reads
addressed 7 5 model must
addressed 5 5 assistant must ! your
addressed 6 10 model act
addressed 4 10 assistant act
addressed 5 3 on_reading
addressed 8 14 on_reading act
addressed 8 14 on_reading send
role 7 10 speaker colon act
role 6 6 speaker colon reveal
role 7 14 notice act
role 5 5 notice colon
role 9 10 speaker colon new task
tool 8 4 call ident
tool 3 4 ident
tool 4 3 called_ident
tool 6 3 write_ident called
tool 6 4 call tool ident
tool 4 5 call tool act
tool 3 4 call tool
exfiltration 10 14 send data dest ! mine
exfiltration 10 14 send customers every dest ! mine
exfiltration 5 8 send data ! mine
exfiltration 6 8 reveal data every ! mine
exfiltration 5 6 reveal customers every ! mine
exfiltration 8 8 send credentials ! mine
exfiltration 8 8 reveal credentials ! mine
exfiltration 5 6 fetch dest
exfiltration 6 6 reveal others ! mine
exfiltration 7 8 send others data
exfiltration 6 10 data every dest ! mine
exfiltration 6 10 customers every send dest
exfiltration 8 6 leaky
exfiltration 4 6 image
secrecy 8 7 not tell user ! mine
secrecy 8 7 not_tell user ! mine
secrecy 2 5 not tell
secrecy 7 7 not tell answer_word
secrecy 7 7 not_tell answer_word
secrecy 8 6 not reveal instructions ! goods
secrecy 4 3 secretly
secrecy 7 14 secretly act
secrecy 7 14 secretly send
secrecy 7 10 secretly answer_word
secrecy 7 12 not log act
secrecy 7 7 hide answer_word
secrecy 7 8 hide user
secrecy 3 4 hide
approval 4 6 without approval ! mine
approval 7 14 without approval act ! mine
approval 6 6 not approval needed
approval 8 5 ignore approval
approval 3 6 approved
approval 6 12 approved act ! mine
approval 6 5 approve every requests
approval 4 5 approve at_once
authority 3 5 i_am boss
authority 6 14 i_am boss act ! mine
authority 7 14 boss command you act
authority 6 8 boss command you
authority 6 10 command you act
authority 6 10 i_am command act
authority 6 14 i_am boss command
authority 5 9 boss command you
authority 5 9 boss must assistant
authority 4 10 command act
authority 5 12 boss every assistant
authority 8 8 vendor policy_word
persona 9 8 now_you model
persona 8 6 now_you assistant
persona 9 10 now_you unlimited
persona 6 7 now_you boss
persona 7 10 unlimited assistant
persona 4 3 unlimited
persona 7 12 unlimited act
persona 6 3 special_mode
persona 5 12 game act
persona 7 12 special_mode act
persona 4 8 now_you act
prompt 9 7 reveal prompt
prompt 6 1 prompt
prompt 8 6 reveal instructions your ! goods
prompt 8 8 reveal instructions verbatim ! goods
prompt 8 10 reveal verbatim all_before
prompt 6 9 reveal tools you
prompt 6 8 reveal tools every
prompt 6 6 reveal above every
prompt 7 8 verbatim above every
prompt 6 6 reveal instructions your
prompt 7 9 reveal all_before instructions your
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """Meanings by their names. `within` counts words."""

    kind: Kind
    weight: int
    within: int
    members: tuple[str, ...]
    unless: tuple[str, ...]


def _rule(line: str) -> Rule:
    said, _, unless = line.partition("!")
    kind, weight, within, *members = said.split()
    return Rule(kind, int(weight), int(within), tuple(members), tuple(unless.split()))  # type: ignore[arg-type]


RULES: tuple[Rule, ...] = tuple(_rule(line) for line in _RULES.strip().splitlines())
