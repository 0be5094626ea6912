"""Which language a short text is in, by its most usual words; None where that is not plain."""

import re
from collections import Counter

_WORDS = {
    "en": "the is are was of and to in for with you your it that this have has not please what when where which how "
    "can my order been will from on there",
    "de": "der die das und ist sind nicht ein eine mit für auf ich sie wir haben hat wurde bitte was wann wo welche "
    "wie kann mein meine bestellung von zu im den dem es",
    "fr": "le la les et est sont pas un une avec pour sur je vous nous avons a été quoi quand où quel quelle "
    "comment peut mon ma commande de du des en ce cette s'il",
    "es": "el la los las y es son no un una con para en yo usted hemos ha sido qué cuándo dónde cuál cómo puede mi "
    "pedido de del por favor está esta este",
    "it": "il lo la gli le e è sono non un una con per su io lei abbiamo ha stato cosa quando dove quale come può mio "
    "mia ordine di del della che questo questa",
    "nl": "de het een en is zijn niet met voor op ik u wij hebben heeft werd wat wanneer waar welke hoe kan mijn "
    "bestelling van te dat deze dit graag er",
    "pt": "o a os as e é são não um uma com para em eu você nós temos foi que quando onde qual como pode meu minha "
    "pedido de do da por favor está este esta",
    "pl": "i jest są nie z na do dla w ja pan pani mamy został co kiedy gdzie który jak może moje mój zamówienie to "
    "się że proszę",
}
_USUAL = {language: frozenset(words.split()) for language, words in _WORDS.items()}
_SCRIPTS = {
    "ru": re.compile(r"[\u0400-\u04ff]"),
    "el": re.compile(r"[\u0370-\u03ff]"),
    "ar": re.compile(r"[\u0600-\u06ff]"),
    "he": re.compile(r"[\u0590-\u05ff]"),
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "ko": re.compile(r"[\uac00-\ud7af]"),
    "zh": re.compile(r"[\u4e00-\u9fff]"),
}
_LEAST = 3  # usual words
_LEAST_OF_SCRIPT = 4  # characters
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def language_of(text: str) -> str | None:
    """The language's code, where there are enough words of it and clearly fewer of any other."""
    for language, script in _SCRIPTS.items():
        if len(script.findall(text[:4_000])) >= _LEAST_OF_SCRIPT:
            return language
    words = [word.casefold() for word in _WORD.findall(text[:4_000])]
    counted = Counter({language: sum(word in usual for word in words) for language, usual in _USUAL.items()})
    (best, most), (_, next_most) = counted.most_common(2)
    return best if most >= _LEAST and most >= 1.5 * next_most else None
