"""Tiny BERT, RoBERTa, XLM-R and CamemBERT folders, and the states that `transformers` computes with them.

    hugging_face_encoder.py make FOLDER [--seed N] [--tokenizers]

writes FOLDER/bert, roberta, xlm-roberta and camembert, each with config.json, model.safetensors and
a vocabulary as older folders have it, and FOLDER/encoders.json: for some rows of ids the states of
the last layer. `--tokenizers` adds FOLDER/NAME/saved: the vocabulary as the library saves it today.
Weights are random; the library's tokenizer must know the pieces by the same ids. Needs torch, transformers, tokenizers and sentencepiece;
encoders.json names the versions that made it.
"""

import argparse
import json
import pathlib
import shutil
import sys

import sentencepiece
import tokenizers
import torch
import transformers

SENTENCES = [
    "the kettle is broken again", "please look at the router on friday",
    "is it broken ? no , not again !", "look at this kettle , please", "the friday is not broken",
]
TEXT = "is the router broken again , no friday please !"
LETTERS = list("abdefghiklnoprstuy")
WORDS = ["the", "is", "it", "no"]
SIZES = dict(hidden_size=8, num_hidden_layers=3, num_attention_heads=2, intermediate_size=12)
PLACES = 20


def write_word_pieces(folder: pathlib.Path) -> list[str]:
    """vocab.txt; words and lone letters begin a word, "##" ones stand inside."""
    pieces = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "?", ",", "!"]
    pieces += WORDS + LETTERS + ["##" + letter for letter in LETTERS]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}))
    return pieces


def write_byte_pieces(folder: pathlib.Path) -> list[str]:
    """vocab.json of a byte-level BPE, whose marks have RoBERTa's ids."""
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    pieces = ["<s>", "<pad>", "</s>", "<unk>"] + alphabet + ["\u0120" + word for word in WORDS] + ["<mask>"]
    (folder / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(pieces)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return pieces


def write_sentence_pieces(folder: pathlib.Path, marks: list[str]) -> list[str]:
    """sentencepiece.bpe.model; returns the pieces by the network's ids, with fairseq's marks in front."""
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 20), model_prefix=str(folder / "pieces"), vocab_size=60,
        hard_vocab_limit=False, normalization_rule_name="identity", minloglevel=2)
    (folder / "pieces.vocab").unlink()
    (folder / "pieces.model").rename(folder / "sentencepiece.bpe.model")
    own = sentencepiece.SentencePieceProcessor(model_file=str(folder / "sentencepiece.bpe.model"))
    return marks + [own.id_to_piece(i) for i in range(3, own.get_piece_size())] + ["<mask>"]


def xlm_pieces(folder: pathlib.Path) -> list[str]:
    return write_sentence_pieces(folder, ["<s>", "<pad>", "</s>", "<unk>"])


def camembert_pieces(folder: pathlib.Path) -> list[str]:
    return write_sentence_pieces(
        folder, ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED", "<s>", "</s>"])


def config_of(name: str, pieces: list[str]):
    if name == "bert":
        return transformers.BertConfig(**SIZES, vocab_size=len(pieces), max_position_embeddings=PLACES)
    kind = {"roberta": transformers.RobertaConfig, "xlm-roberta": transformers.XLMRobertaConfig,
            "camembert": transformers.CamembertConfig}[name]
    return kind(**SIZES, vocab_size=len(pieces), max_position_embeddings=PLACES + 2, type_vocab_size=1,
                layer_norm_eps=1e-5, pad_token_id=1, bos_token_id=pieces.index("<s>"),
                eos_token_id=pieces.index("</s>"))


def random_model(name: str, config):
    """Of BERT with the heads of its pretraining, so that there is something to pass over."""
    kind = transformers.BertForPreTraining if name == "bert" else transformers.AutoModelForMaskedLM
    model = (kind(config) if name == "bert" else kind.from_config(config)).eval()
    for key, tensor in model.named_parameters():
        width = 0.05 if "embeddings" in key else 0.3 if tensor.dim() == 1 else 0.8
        tensor.data = torch.randn_like(tensor) * width
        if key.endswith("LayerNorm.weight"):
            tensor.data += 1
    return model


def letters_of(name: str, pieces: list[str]) -> list[int]:
    """Ids of what stands inside words for one letter each, which any vocabulary has."""
    return [pieces.index(("##" if name == "bert" else "") + letter) for letter in LETTERS]


@torch.no_grad()
def states_of(model, ids: list[int], kinds: list[int]) -> list[list[float]]:
    found = model(input_ids=torch.tensor([ids]), token_type_ids=torch.tensor([kinds])).last_hidden_state
    return [[round(x, 6) for x in row] for row in found[0].tolist()]


def states(name: str, folder: pathlib.Path, pieces: list[str], text_ids: list[int]) -> dict:
    model = transformers.AutoModel.from_pretrained(folder).eval()
    assert model.config.model_type == name
    letters = letters_of(name, pieces)
    begin, end = (3, 4) if name == "bert" else (pieces.index("<s>"), pieces.index("</s>"))
    cases = []
    for ids in [letters[:5], letters[4:15], [begin] + letters[7:11] + [end]]:
        persona = len(ids) // 2  # so many tokens of the first kind
        kinds = [1 if name == "bert" and i < persona else 0 for i in range(len(ids))]
        cases.append({"ids": ids, "persona": persona, "states": states_of(model, ids, kinds)})
    first = text_ids[:PLACES]
    return {"text": TEXT, "text_ids": text_ids, "text_states": states_of(model, first, [0] * len(first)),
            "cases": cases}


def ids_of_text(place: pathlib.Path, pieces: list[str], saves: bool) -> list[int]:
    tokenizer = transformers.AutoTokenizer.from_pretrained(place)
    if tokenizer.convert_tokens_to_ids(pieces) != list(range(len(pieces))):
        sys.exit(f"{place}: the library's tokenizer has other ids")
    if saves:
        tokenizer.save_pretrained(place / "saved")
    return tokenizer(TEXT, add_special_tokens=False).input_ids


def make(folder: pathlib.Path, seed: int, saves: bool) -> None:
    writers = {"bert": write_word_pieces, "roberta": write_byte_pieces, "xlm-roberta": xlm_pieces,
               "camembert": camembert_pieces}
    versions = {module.__name__: module.__version__
                for module in (torch, transformers, tokenizers, sentencepiece)}
    record = {"made by": "tests/models/reference/hugging_face_encoder.py", "versions": versions}
    for name, write in writers.items():
        torch.manual_seed(seed)
        place = folder / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        pieces = write(place)
        random_model(name, config_of(name, pieces)).save_pretrained(place)
        (place / "generation_config.json").unlink(missing_ok=True)
        text_ids = ids_of_text(place, pieces, saves)
        record[name] = {"pieces": pieces, **states(name, place, pieces, text_ids)}
    (folder / "encoders.json").write_text(json.dumps(record, ensure_ascii=False) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("make")
    made.add_argument("folder", type=pathlib.Path)
    made.add_argument("--seed", type=int, default=5)
    made.add_argument("--tokenizers", action="store_true")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    make(arguments.folder, arguments.seed, arguments.tokenizers)


if __name__ == "__main__":
    main()
