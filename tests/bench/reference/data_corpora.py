"""Makes corpora of any size out of those of BANTER_CORPORA: copies with new ids and a made-up word
in the first text of each dialogue (of films, in every text), so that no two are equal."""

import csv
import gzip
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CORPORA = Path(os.environ.get("BANTER_CORPORA") or ROOT.parent / "shared/data")

JSON_LINES = ("dailydialog/train.jsonl.gz", "ubuntu/train.jsonl.gz",
              "opensubtitles/train.jsonl.gz", "ubuntu_multiparty/train.jsonl.gz",
              "persona/train_personachat.jsonl.gz")


def word(number):
    """A made-up word of syllables, another one for each number."""
    syllables = []
    while True:
        number, digit = divmod(number, 75)
        syllables.append("bdfgklmnprstvwz"[digit // 5] + "aeiou"[digit % 5])
        if number == 0:
            return "".join(syllables)


def text_of(path):
    with gzip.open(CORPORA / path, "rt", encoding="utf-8", newline="") as file:
        return file.read()


def json_records():
    return [json.loads(line) for path in JSON_LINES for line in text_of(path).splitlines()]


def text_bytes(records):
    return sum(len(turn["text"].encode()) for record in records for turn in record["turns"])


def copies_for(wanted, there):
    return -(-wanted // max(there, 1))


def make_jsonl(path, wanted):
    records = json_records()
    with open(path, "w", encoding="utf-8") as file:
        for copy in range(copies_for(wanted, text_bytes(records))):
            for number, record in enumerate(records):
                first, *others = record["turns"]
                turns = [{**first, "text": f"{word(copy)} {first['text']}"}, *others]
                varied = {**record, "id": f"{copy}:{number}:{record['id']}", "turns": turns}
                file.write(json.dumps(varied, ensure_ascii=False) + "\n")


def make_ubuntu_v1(path, wanted):
    with tarfile.open(CORPORA / "native/ubuntu_v1/dialogs_train.tar.gz") as archive:
        members = [(member.name, archive.extractfile(member).read())
                   for member in archive if member.isfile()]
    there = sum(len(line.split(b"\t", 3)[-1]) for _, text in members for line in text.split(b"\n"))
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for copy in range(copies_for(wanted, there)):
            mark = word(copy).encode() + b" "
            for name, text in members:
                columns = text.split(b"\t", 3)
                varied = b"\t".join([*columns[:3], mark + columns[3]])
                *_, folder, file = name.split("/")
                member = tarfile.TarInfo(f"dialogs/{folder}/{copy}{file.rjust(12, '0')}")
                member.size = len(varied)
                archive.addfile(member, io.BytesIO(varied))


def make_ubuntu_v2(path, wanted):
    header, *rows = csv.reader(io.StringIO(text_of("native/ubuntu_v2/train.csv.gz"), newline=""))
    there = sum(len(context) + len(reply) for context, reply, label in rows if label == "1")
    with open(path, "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(header)
        for copy in range(copies_for(wanted, there)):
            for context, reply, label in rows:
                out.writerow([f"{word(copy)} {context}", reply, label])


def make_convai2(path, wanted):
    lines = text_of("native/convai2/train_self_original_no_cands.txt.gz").splitlines()
    there = sum(len(line) for line in lines if "\t" in line)
    with open(path, "w", encoding="utf-8") as file:
        for copy in range(copies_for(wanted, there)):
            for line in lines:
                number, _, rest = line.partition(" ")
                file.write(f"{number} {word(copy)} {rest}\n" if "\t" in rest else line + "\n")


def make_opensubtitles(path, wanted):
    with zipfile.ZipFile(CORPORA / "native/opensubtitles_xml/en.zip") as archive:
        films = [(name, archive.read(name).decode()) for name in archive.namelist()
                 if name.endswith(".xml")]
    there = sum(len(line.partition(">")[2].partition("<")[0]) + 1
                for _, text in films for line in text.splitlines() if "<w " in line)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for copy in range(copies_for(wanted, there)):
            for name, text in films:
                folder, _, file = name.rpartition("/")
                varied = "<s ".join(part.replace("</w>", f"{word(copy)}</w>", 1)
                                    for part in text.split("<s "))
                archive.writestr(f"{folder}{copy}/{file}", varied)


def conversations_of(talks, path):
    """JSON Lines as ParlAI writes conversations: ASCII, a list of exchanges a dialogue."""
    with open(talks, encoding="utf-8") as lines, open(path, "w", encoding="ascii") as out:
        for line in lines:
            turns = [{"id": turn["speaker"], "text": turn["text"]}
                     for turn in json.loads(line)["turns"]]
            exchanges = [turns[i:i + 2] for i in range(0, len(turns), 2)]
            out.write(json.dumps({"dialog": exchanges}) + "\n")


def parlai_text_of(talks, path):
    """ParlAI's text format: an exchange a line; a last turn without a reply has no place in it."""
    def field(text):
        return text.replace("\t", "\\t").replace("\n", "\\n").replace("|", "__PIPE__")

    with open(talks, encoding="utf-8") as lines, open(path, "w", encoding="utf-8") as out:
        for line in lines:
            texts = [field(turn["text"]) for turn in json.loads(line)["turns"]]
            exchanges = [f"text:{text}\tlabels:{reply}"
                         for text, reply in zip(texts[::2], texts[1::2])]
            out.write("\n".join(exchanges) + "\tepisode_done:True\n")


# format -> name of the file, how it is made
MAKERS = {
    "jsonl": ("talks.jsonl", make_jsonl),
    "ubuntu_v1": ("dialogs.tar", make_ubuntu_v1),
    "ubuntu_v2": ("train.csv", make_ubuntu_v2),
    "convai2": ("convai2.txt", make_convai2),
    "opensubtitles": ("films.zip", make_opensubtitles),
}


def make(name, folder, megabytes):
    """Makes a corpus of a format in a folder, of at least so much text. Returns its path."""
    file, maker = MAKERS[name]
    path = Path(folder) / file
    maker(path, int(megabytes * 1e6))
    return path
