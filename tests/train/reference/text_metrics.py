#!/usr/bin/env python3
"""Text metrics as other programs count them, to hold banter's against.

    text_metrics.py make FIXTURE.json        seeded random samples with the values of these programs
    text_metrics.py score SAMPLES.json       the values of given samples, as JSON

Needs sacrebleu, rouge-score and numpy. BLEU and chrF are sacrebleu's, ROUGE-L rouge-score's; the
others are computed here from their definitions, with numpy. Values of characters in the place of
words end with " char".
"""

import importlib.metadata
import json
import math
import random
import re
import sys
import unicodedata
from collections import Counter

import numpy
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
from sacrebleu.tokenizers.tokenizer_char import TokenizerChar

SMOOTHINGS = ["none", "floor", "add-k", "exp"]
LATIN = """the a an i you it is not what where cat dog tea blue seven 3,000.5 12 5-4 don't we're
    ok Ok OK yes no Yes . , ! ? -- ... & &amp; &quot;so&quot; &lt;b&gt; a/b x_y (maybe) [1] ~ café
    naïve Ärger élan — “quoted” – … 1.5 .5 5. co-op e.g. U.S. #tag @name 100% $5 a-b 7- half½ x²
    """.split()
OTHER = """да нет Кошка кошка сидит тут 你好 我很好。 吃了吗？ 猫 γάτα ναι ναί 👍 ok fine the . , ! 12 3-4
    — е.д. мир, שלום مرحبا किताब ＡＢＣ 　 e\u0301 \u2028 \u00a0""".split(" ")


def words(text):
    return Tokenizer13a()(text.rstrip()).split()


def characters(text):
    return TokenizerChar()(text.rstrip()).split()


def small(text, parted=words):
    return [word.lower() for word in parted(text)]


class SmallCharacters:
    """A tokenizer of rouge-score's."""

    def tokenize(self, text):
        return small(text, characters)


def ngrams(sequence, n):
    return [tuple(sequence[i : i + n]) for i in range(len(sequence) - n + 1)]


def f1(reply, reference, of_characters=False):
    def normal(text):
        text = re.sub(r"[!\"#$%&()*+,\-./:;<=>?@\[\]\\^`{|}~_']", " ", text.lower())
        text = re.sub(r"\b(a|an|the)\b", " ", text)
        if not of_characters:
            return Counter(text.split())
        return Counter(c for c in characters(text) if unicodedata.category(c)[0] != "P")

    said, wanted = normal(reply), normal(reference)
    common = sum((said & wanted).values())
    return 2 * common / (sum(said.values()) + sum(wanted.values())) if common else 0.0


def distinct(replies, n, parted=words):
    all_of_them = [g for reply in replies for g in ngrams(small(reply, parted), n)]
    return len(set(all_of_them)) / len(all_of_them) if all_of_them else 0.0


def entropy(replies, n, parted=words):
    counts = Counter(g for reply in replies for g in ngrams(small(reply, parted), n))
    if not counts:
        return 0.0
    p = numpy.array(list(counts.values()), dtype=numpy.float64)
    p /= p.sum()
    return float(-(p * numpy.log(p)).sum())


def jackknife(replies, value):
    """The 95 % interval by leaving out every 20th reply, as scipy.stats.t.ppf(0.975, 19) has it."""
    without = [value([r for i, r in enumerate(replies) if i % 20 != b]) for b in range(20)]
    error = math.sqrt(19 / 20 * sum((v - numpy.mean(without)) ** 2 for v in without))
    return [value(replies) - 2.0930240544 * error, value(replies) + 2.0930240544 * error]


def repeat(reply, n, parted=words):
    grams = ngrams(small(reply, parted), n)
    return (len(grams) - len(set(grams))) / len(grams) if grams else 0.0


def copy(reply, context, n, parted=words):
    grams = ngrams(small(reply, parted), n)
    there = {g for turn in context for g in ngrams(small(turn, parted), n)}
    return sum(g in there for g in grams) / len(grams) if grams else 0.0


def cosine(a, b):
    return float(a @ b / math.sqrt((a @ a) * (b @ b))) if b.any() else 0.0


def embeddings(reply, reference, vectors):
    """average, extrema, greedy, greedy by cosines; None where the reference knows no word."""
    g = numpy.array([vectors[w] for w in small(reply) if w in vectors], dtype=numpy.float64)
    r = numpy.array([vectors[w] for w in small(reference) if w in vectors], dtype=numpy.float64)
    if not len(r):
        return None, None, 0.0, 0.0
    if not len(g):
        return 0.0 if r.sum(0).any() else None, 0.0, 0.0, 0.0

    def extremes(m):
        return numpy.where(-m.min(0) > m.max(0), m.min(0), m.max(0))

    def greedy(m):
        best = numpy.maximum(m, 0)
        return float((best.max(1).mean() + best.max(0).mean()) / 2)

    lengths = numpy.sqrt((r * r).sum(1))[:, None] * numpy.sqrt((g * g).sum(1))[None, :]
    average = cosine(r.sum(0), g.sum(0)) if r.sum(0).any() else None
    return average, cosine(extremes(r), extremes(g)), greedy(r @ g.T), greedy(r @ g.T / lengths)


def best(values):
    known = [v for v in values if v is not None]
    return max(known) if known else None


def mean(values):
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def streams_of(samples):
    """References as sacrebleu takes them."""
    most = max(len(s["references"]) for s in samples)
    return [
        [s["references"][i] if i < len(s["references"]) else None for s in samples]
        for i in range(most)
    ]


def values_of_characters(samples):
    replies = [s["reply"] for s in samples]
    rouge = rouge_scorer.RougeScorer(["rougeL"], tokenizer=SmallCharacters())
    rouge_l = lambda s: best(rouge.score(r, s["reply"])["rougeL"].fmeasure for r in s["references"])
    values = {
        "bleu": BLEU(tokenize="char").corpus_score(replies, streams_of(samples)).score,
        "rouge_l": mean([rouge_l(s) for s in samples]),
        "f1": mean([best(f1(s["reply"], r, True) for r in s["references"]) for s in samples]),
        "length": mean([len(characters(reply)) for reply in replies]),
    }
    for n in (1, 2, 3):
        values[f"distinct_{n}"] = distinct(replies, n, characters)
        values[f"entropy_{n}"] = entropy(replies, n, characters)
        values[f"repeat_{n}"] = mean([repeat(reply, n, characters) for reply in replies])
        values[f"copy_{n}"] = mean([copy(s["reply"], s["context"], n, characters) for s in samples])
    return {name + " char": value for name, value in values.items()}


def values_of(samples, vectors, with_rouge):
    replies = [s["reply"] for s in samples]
    streams = streams_of(samples)
    values = {}
    for smoothing in SMOOTHINGS:
        bleu = BLEU(smooth_method=smoothing)
        values["bleu " + smoothing] = bleu.corpus_score(replies, streams).score
        one = BLEU(smooth_method=smoothing, effective_order=True)
        values["sentence_bleu " + smoothing] = mean(
            [one.sentence_score(s["reply"], s["references"]).score for s in samples]
        )
    values["chrf"] = CHRF().corpus_score(replies, streams).score
    if with_rouge:
        scorer = rouge_scorer.RougeScorer(["rougeL"])
        values["rouge_l"] = mean(
            [
                best(scorer.score(r, s["reply"])["rougeL"].fmeasure for r in s["references"])
                for s in samples
            ]
        )
    values["f1"] = mean([best(f1(s["reply"], r) for r in s["references"]) for s in samples])
    for n in (1, 2, 3):
        values[f"distinct_{n}"] = distinct(replies, n)
        values[f"distinct_{n} interval"] = jackknife(replies, lambda r, n=n: distinct(r, n))
        values[f"entropy_{n}"] = entropy(replies, n)
        values[f"entropy_{n} interval"] = jackknife(replies, lambda r, n=n: entropy(r, n))
    for n in (1, 2, 3, 4):
        values[f"repeat_{n}"] = mean([repeat(r, n) for r in replies])
        values[f"copy_{n}"] = mean([copy(s["reply"], s["context"], n) for s in samples])
    times = Counter(tuple(small(r)) for r in replies)
    values["same_reply"] = mean([float(times[tuple(small(r))] > 1) for r in replies])
    values["length"] = mean([len(words(r)) for r in replies])
    pairs = [[embeddings(s["reply"], r, vectors) for r in s["references"]] for s in samples]
    for i, name in enumerate(["avg", "extrema", "greedy", "greedy_cos"]):
        values["embed_" + name] = mean([best(one[i] for one in pair) for pair in pairs])
    return values | values_of_characters(samples)


def made_text(chance, vocabulary, least, most):
    count = chance.randint(least, most)
    return chance.choice([" ", " ", "  "]).join(chance.choice(vocabulary) for _ in range(count))


def altered(chance, text, vocabulary):
    """A text that shares much with another."""
    kept = [w for w in text.split(" ") if chance.random() < 0.8]
    for _ in range(chance.randint(0, 2)):
        kept.insert(chance.randint(0, len(kept)), chance.choice(vocabulary))
    return " ".join(kept)


def made_samples(seed, vocabulary, count):
    chance = random.Random(seed)
    samples = []
    for i in range(count):
        references = [made_text(chance, vocabulary, 1, 12) for _ in range(chance.choice([1, 1, 3]))]
        references = [r if r.strip() else "ok" for r in references]
        reply = altered(chance, references[-1], vocabulary)
        if i % 9 == 4:
            reply = made_text(chance, vocabulary, 0, 3)
        if i % 13 == 5:
            reply = "" if i % 2 else "ok ."
        context = [made_text(chance, vocabulary, 1, 8) for _ in range(chance.randint(1, 3))]
        samples.append({"reply": reply, "references": references, "context": context})
    return samples


def made_vectors(seed, vocabularies):
    chance = random.Random(seed)
    known = sorted({w for v in vocabularies for text in v for w in small(text)})
    return {w: [chance.randint(-64, 64) / 32 for _ in range(5)] for w in known if len(w) % 5 != 2}


def versions():
    names = ["sacrebleu", "rouge-score", "numpy"]
    return {name: importlib.metadata.version(name) for name in names}


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("make", "score"):
        sys.exit(__doc__)
    if sys.argv[1] == "score":
        with open(sys.argv[2], encoding="utf-8") as file:
            given = json.load(file)
        for part in given["sets"]:
            part["values"] = values_of(part["samples"], given["vectors"], part["latin"])
        json.dump(given["sets"], sys.stdout)
        return
    vectors = made_vectors(3, [LATIN, OTHER])
    sets = []
    for name, vocabulary, seed in (("latin", LATIN, 1), ("other", OTHER, 2)):
        samples = made_samples(seed, vocabulary, 40)
        is_latin = name == "latin"
        values = values_of(samples, vectors, is_latin)
        sets.append({"name": name, "latin": is_latin, "samples": samples, "values": values})
    made = {"made_by": versions(), "vectors": vectors, "sets": sets}
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump(made, file, ensure_ascii=True, indent=0)
        file.write("\n")


if __name__ == "__main__":
    main()
