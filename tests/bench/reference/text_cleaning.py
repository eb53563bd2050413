"""What `data.cleaning` of a recipe does, in plain Python: see "Cleaning" in data/README.md."""

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from checked_readers import reply_fault

# As in a recipe.
CLEANING = {
    "normalization": "nfkc",
    "drop_captions": True,
    "drop_dashes": True,
    "drop_names": True,
    "drop_music": True,
    "lower_case": True,
    "merge_consecutive": True,
    "min_turn_words": 1,
    "scripts": ["Latin"],
    "script_share": 0.9,
    "duplicates": "normalised",
}

BRACKETS = r"(?:\[[^][()]*\]|\([^][()]*\))"
NOTES = "♩♪♫♬"
DASHES = re.compile(r"[ \t]*(?:[-–—](?![0-9])[ \t]*)+")
NAME = re.compile(r"\s*([^\W\d_][\w .'#&-]{1,39}):(?:\s+|$)")
SUNG = re.compile(rf"[ \t]*(?:[{NOTES}]|#(?:[ \t]|$|.*#[ \t]*$))", re.DOTALL)
NO_LETTERS = re.compile(r"[\W_]+")
NO_ASCII_LETTERS = {c: None for c in range(128) if not chr(c).isalnum()}


def taking_out(pattern):
    """Of two spaces around what is taken out, one goes with it."""
    return re.compile(rf"(?<![^ \t]){pattern}[ \t]*|{pattern}")


CAPTION, NOTE = taking_out(BRACKETS), taking_out(f"[{NOTES}]")


def without(pattern, text):
    text, count = pattern.subn("", text)
    return text.rstrip(" \t") if count else text


def without_captions(text):
    before = None
    while text != before and ("[" in text or "(" in text):  # from the innermost outwards
        before, text = text, without(CAPTION, text)
    return text


def without_name(text):
    name = NAME.match(text) if ":" in text else None
    return text[name.end():] if name and name[1].isupper() else text


def clean_text(text):
    is_ascii = text.isascii()  # then it is NFKC and holds no notes
    if not is_ascii:
        text = unicodedata.normalize("NFKC", text)
    text = without_captions(text)
    if dashes := DASHES.match(text):
        text = text[dashes.end():]
    text = without_name(text)
    if SUNG.match(text):
        return ""
    return (text if is_ascii else without(NOTE, text)).lower()


def merged(turns):
    joined = []
    for speaker, text in turns:
        if joined and speaker != "?" and joined[-1][0].lower() == speaker.lower():
            joined[-1] = (joined[-1][0], f"{joined[-1][1]} {text}")
        else:
            joined.append((speaker, text))
    return joined


def letters_and_digits(text):
    return text.translate(NO_ASCII_LETTERS) if text.isascii() else NO_LETTERS.sub("", text)


@lru_cache(maxsize=None)
def script_of(letter):
    return unicodedata.name(letter, "").partition(" ")[0]


def has_wanted_script(text):
    if text.isascii():
        return True
    letters = wanted = 0
    for character, count in Counter(text).items():
        if character.isalpha():
            letters += count
            wanted += count if script_of(character) == "LATIN" else 0
    return wanted >= CLEANING["script_share"] * letters


def wanted_runs(turns):
    """Parts between turns that are not wanted."""
    part = []
    for turn in turns:
        if is_wanted(turn):
            part.append(turn)
        elif part:
            yield part
            part = []
    if part:
        yield part


def is_wanted(turn):
    return len(turn[1].split()) >= CLEANING["min_turn_words"]


def parts_of(turns):
    """A talk stays whole or goes; a run of unknown speakers is cut."""
    if all(speaker == "?" for speaker, _ in turns):
        return list(wanted_runs(turns))
    return [merged(turns)] if all(map(is_wanted, turns)) else []


def cleaned(dialogues, faults):
    """Dialogues as a recipe with CLEANING keeps them."""
    talks = set()
    for dialogue in dialogues:
        parts = parts_of([(speaker, clean_text(text)) for speaker, text in dialogue.turns])
        if not parts:
            faults.add(dialogue.place, "a turn has too few words after cleaning")
        for turns in parts:
            text = " ".join(text for _, text in turns)
            talk = hash((turns[0][0], letters_and_digits(text)))
            rule = reply_fault(turns)
            if not rule and not has_wanted_script(text):
                rule = "too few letters are of the scripts"
            if not rule and talk in talks:
                rule = "a dialogue is a copy of an earlier one: it is left out"
            if rule:
                faults.add(dialogue.place, rule)
                continue
            talks.add(talk)
            yield dialogue._replace(turns=turns)
