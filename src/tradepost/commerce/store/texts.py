"""The text of an answer: what a client that ignores structured results lets its model see."""

from collections.abc import Sequence

MAX_SUMMARY_CHARACTERS = 800  # about 200 tokens


def as_many_as_fit(head: str, sentences: Sequence[str], between: str = " ") -> str:
    """The head and the first sentences, as long as they and the count of the others fit into a summary."""
    text = head
    for number, sentence in enumerate(sentences):
        others = f" And {len(sentences) - number} more."
        longer = f"{text}{between if number else ' '}{sentence}"
        if len(longer) + len(others) > MAX_SUMMARY_CHARACTERS:
            return text + others
        text = longer
    return text
