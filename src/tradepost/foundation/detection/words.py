"""What words mean in ten languages with blanks between words, as far as injected instructions are made of them.

A trailing `*` stands for any ending, `_` joins words that follow one another. Words with capitals count as they are
written ("AI": in French "ai" is a verb). Accents and case are folded before anything is compared.
"""

from tradepost.foundation.detection.words_of_deeds import DEEDS
from tradepost.foundation.detection.words_of_orders import ORDERS
from tradepost.foundation.detection.words_of_speakers import SPEAKERS

WORDS = {**ORDERS, **SPEAKERS, **DEEDS}
