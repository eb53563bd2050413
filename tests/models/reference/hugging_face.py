"""Tiny MarianMT and mBART folders, and what the `transformers` library computes with them.

    hugging_face.py make FOLDER           writes FOLDER/marian, mbart, mbart50 and expected.json
    hugging_face.py check HF_FOLDER NAME EXPECTED
                                          holds a folder to the part NAME of an expected.json
    hugging_face.py compute HF_FOLDER     what the library makes of mBART's texts with it in float64,
                                          as JSON

Weights are random, the SentencePiece models are trained on invented sentences. Needs torch,
transformers, sentencepiece and protobuf; expected.json names the versions that made it.
"""

import argparse
import json
import pathlib
import shutil
import sys

import sentencepiece
import torch
import transformers

SOURCE = [
    "the kettle is broken again", "please look at the router on friday",
    "is it broken ? no , not again !", "look at this kettle , please", "the friday is not broken",
]
TARGET = [
    "der kessel ist wieder kaputt", "bitte sieh am freitag nach dem router",
    "ist er kaputt ? nein , nicht wieder !", "sieh bitte nach dem kessel", "der freitag ist nicht kaputt",
]
# Texts to normalise, or to spell without pieces, and two turns. The mark of full width is left out
# where `transformers` does not run the model's own normalisation (mBART's tokenizers since 5.0).
CONTEXTS = {
    "marian": [["the kettle is broken"], [">>de<< please   look at FRIDAY\uff01 "],
               ["is it broken ?", "no , not again \u00fc !"]],
    "mbart": [["the kettle is broken"], ["  please   look at FRIDAY!"],
              ["is it broken ?", "no , not again \u00fc !"]],
}
REPLY = "der kessel ist nicht kaputt"
STEPS = 3  # decoder inputs whose logits are stored
SIZES = dict(
    d_model=8, encoder_layers=2, decoder_layers=1, encoder_attention_heads=2,
    decoder_attention_heads=2, encoder_ffn_dim=12, decoder_ffn_dim=12,
    max_position_embeddings=24, dropout=0.1,
)
TOLERANCE = 1e-4
END_BIAS = 2.0
# Those whose greedy replies are not one piece again and again, and end by themselves at times.
SEEDS = {"marian": 11, "mbart": 14, "mbart50": 14}


def train_pieces(path: pathlib.Path, sentences: list[str], size: int) -> sentencepiece.SentencePieceProcessor:
    """A SentencePiece model with a rule of its own: a full-width mark becomes a plain one."""
    rules = path.parent / "rules"
    rules.write_text("FF01\t21\n")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences * 20), model_prefix=str(rules.with_name("pieces")),
        vocab_size=size, hard_vocab_limit=False, normalization_rule_tsv=str(rules), minloglevel=2)
    rules.unlink()
    rules.with_name("pieces.vocab").unlink()
    rules.with_name("pieces.model").rename(path)
    return sentencepiece.SentencePieceProcessor(model_file=str(path))


def random_model(model_class, config, texts: int):
    """Weights wide enough that rounding decides nothing; ids from `texts` on are rarely said."""
    model = model_class(config).eval()
    for name, tensor in list(model.named_parameters()) + [("bias", model.final_logits_bias)]:
        if "embed_positions" not in name or config.model_type == "mbart":
            width = 0.2 if tensor.dim() == 1 else 0.5 if "embed" in name or "shared" in name else 1.2
            tensor.data = torch.randn_like(tensor) * width
            if name.endswith("norm.weight") or name.endswith("embedding.weight"):
                tensor.data += 1
    model.get_input_embeddings().weight.data[texts:] *= 0.1
    model.final_logits_bias[0, config.eos_token_id] += END_BIAS
    return model


def make_marian(folder: pathlib.Path) -> None:
    folder.mkdir(parents=True)
    source = train_pieces(folder / "source.spm", SOURCE, 60)
    target = train_pieces(folder / "target.spm", TARGET, 60)
    ids = {"</s>": 0, "<unk>": 1, ">>de<<": 2}
    for pieces in (source, target):
        for piece in range(3, pieces.get_piece_size()):
            ids.setdefault(pieces.id_to_piece(piece), len(ids))
    ids["<pad>"] = len(ids)
    (folder / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "MarianTokenizer"}))
    pad = ids["<pad>"]
    config = transformers.MarianConfig(
        **SIZES, vocab_size=len(ids), decoder_vocab_size=len(ids), activation_function="swish",
        scale_embedding=True, pad_token_id=pad, eos_token_id=0, bos_token_id=0,
        decoder_start_token_id=pad)
    model = random_model(transformers.MarianMTModel, config, texts=pad)
    model.generation_config = transformers.GenerationConfig(
        max_length=14, num_beams=1, pad_token_id=pad, eos_token_id=0, decoder_start_token_id=pad,
        forced_eos_token_id=0, bad_words_ids=[[pad]])
    model.save_pretrained(folder)


def make_mbart(folder: pathlib.Path, languages: int) -> None:
    folder.mkdir(parents=True)
    pieces = train_pieces(folder / "sentencepiece.bpe.model", SOURCE + TARGET, 60)
    is_first = languages == 25
    first = pieces.get_piece_size() + 1
    english, german = first + 3, first + 2
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "MBartTokenizer" if is_first else "MBart50Tokenizer",
        "src_lang": "en_XX", "tgt_lang": "de_DE"}))
    start = german if is_first else 2
    config = transformers.MBartConfig(
        **SIZES, vocab_size=first + languages + 1, activation_function="gelu" if is_first else "relu",
        scale_embedding=is_first, decoder_start_token_id=start, tie_word_embeddings=True)
    model = random_model(transformers.MBartForConditionalGeneration, config, texts=first)
    model.generation_config = transformers.GenerationConfig(
        max_length=14, num_beams=1, pad_token_id=1, eos_token_id=2, decoder_start_token_id=start,
        forced_eos_token_id=2, forced_bos_token_id=None if is_first else german)
    model.save_pretrained(folder)


def load(folder: pathlib.Path):
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    return model, transformers.AutoTokenizer.from_pretrained(folder)


def input_ids(tokenizer, turns: list[str]) -> list[int]:
    """Each turn ends with </s>; what mBART puts around a text stands once."""
    rows = [tokenizer(turn).input_ids for turn in turns]
    end = tokenizer.eos_token_id
    front = rows[0][:1] if "MBart50" in type(tokenizer).__name__ else []
    back = rows[0][-1:] if rows[0][-1] != end else []
    bare = [row[len(front):len(row) - len(back)] for row in rows]
    return front + [token for row in bare for token in row] + back


def without_ends(ids: list[int], end: int) -> list[int]:
    ids = ids[1:]  # the first decoder input
    return ids[:-1] if ids and ids[-1] == end else ids


@torch.no_grad()
def compute(folder: pathlib.Path, texts: str = "", dtype: torch.dtype = torch.float32) -> dict:
    model, tokenizer = load(folder)
    model.to(dtype)
    end = model.config.eos_token_id
    start = model.config.decoder_start_token_id
    front = [] if model.generation_config.forced_bos_token_id is None else [
        model.generation_config.forced_bos_token_id]
    if model.config.model_type == "marian":
        reply = tokenizer(text_target=REPLY).input_ids[:-1]
    else:
        reply = tokenizer(REPLY, add_special_tokens=False).input_ids
    decoder = ([start] + front + reply)[:STEPS]
    # What banter never says.
    silent = sorted({tokenizer.pad_token_id, tokenizer.unk_token_id, start} - {end})
    cases = []
    for turns in CONTEXTS[texts or model.config.model_type]:
        ids = torch.tensor([input_ids(tokenizer, turns)])
        logits = model(input_ids=ids, decoder_input_ids=torch.tensor([decoder])).logits[0]
        said = without_ends(model.generate(input_ids=ids, suppress_tokens=silent)[0].tolist(), end)
        cases.append({
            "turns": turns, "input_ids": ids[0].tolist(), "decoder_input_ids": decoder,
            "logits": [[round(x, 5) for x in row] for row in logits.tolist()],
            "generated": said, "pieces": tokenizer.convert_ids_to_tokens(said),
            "text": tokenizer.decode(said, skip_special_tokens=True)})
    return {"reply": REPLY, "cases": cases}


def versions() -> dict:
    return {module.__name__: module.__version__ for module in (torch, transformers, sentencepiece)}


def make(folder: pathlib.Path) -> None:
    parts = {"marian": make_marian, "mbart": lambda path: make_mbart(path, 25),
             "mbart50": lambda path: make_mbart(path, 52)}
    expected = {"made by": "tests/models/reference/hugging_face.py", "versions": versions()}
    for name, write in parts.items():
        shutil.rmtree(folder / name, ignore_errors=True)
        torch.manual_seed(SEEDS[name])
        write(folder / name)
        expected[name] = compute(folder / name)
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n")


def check(folder: pathlib.Path, name: str, expected_file: pathlib.Path) -> None:
    expected = json.loads(expected_file.read_text())[name]
    found = compute(folder)
    for case, other in zip(expected["cases"], found["cases"], strict=True):
        difference = (torch.tensor(case["logits"]) - torch.tensor(other["logits"])).abs().max().item()
        if not difference <= TOLERANCE:
            sys.exit(f"{name}: logits differ by {difference}")
        for key in ("input_ids", "decoder_input_ids", "generated", "text"):
            if case[key] != other[key]:
                sys.exit(f"{name}: {key} of {case['turns']}: {other[key]}, expected {case[key]}")
    print(f"{name}: the same logits, ids and replies ({versions()})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("make")
    made.add_argument("folder", type=pathlib.Path)
    checked = commands.add_parser("check")
    checked.add_argument("folder", type=pathlib.Path)
    checked.add_argument("name")
    checked.add_argument("expected", type=pathlib.Path)
    computed = commands.add_parser("compute")
    computed.add_argument("folder", type=pathlib.Path)
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    if arguments.command == "make":
        make(arguments.folder)
    elif arguments.command == "compute":
        print(json.dumps(compute(arguments.folder, "mbart", torch.float64)))
    else:
        check(arguments.folder, arguments.name, arguments.expected)


if __name__ == "__main__":
    main()
