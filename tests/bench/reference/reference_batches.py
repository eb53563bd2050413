"""Batches of a file that banter writes (tests/bench/export_batches.cpp), laid out one example a row.

A safetensors file with, for batch 0, 1, 2, ...

    N.turn_ids (M,T)  N.turn_keep (M,T) bool  N.turn_speaker (M)      the different turns and facts
    N.context (B,U)   N.facts (B,F)  rows of M, -1 = none
    N.decoder_input (B,S)  N.labels (B,S), -100 = not counted         rows by falling length
    N.pairs.*, likewise, and N.pairs.label: sentence pairs beside them, where there are some
"""

from dataclasses import dataclass, replace

import torch
from safetensors.torch import load_file

NOT_COUNTED = -100


@dataclass
class Batch:
    """One example a row. U turns (facts first) of T tokens, replies of S tokens."""

    turns: torch.Tensor  # (R,T): the real turns of all examples
    turn_lengths: torch.Tensor  # (R)
    turn_speaker: torch.Tensor  # (R)
    place: torch.Tensor  # (R): b * U + u
    keep: torch.Tensor  # (B,U) bool
    joined: torch.Tensor  # (B,J): the same turns as one row of tokens (for seq2seq)
    joined_speaker: torch.Tensor  # (B,J)
    joined_lengths: torch.Tensor  # (B)
    persona_lengths: torch.Tensor  # (B): of the facts, in front of these
    decoder_input: torch.Tensor  # (B,S)
    labels: torch.Tensor  # (B,S)
    live: list  # rows that have a label at step t
    counted: torch.Tensor  # (P): where in (B,S) the counted labels are, place by place
    pairs: "Batch" = None  # premises as facts, hypotheses as replies
    pair_label: torch.Tensor = None  # (B): of pairs, entailment 0, neutral 1, contradiction 2

    @property
    def label_count(self):
        return sum(self.live)

    def to(self, device):
        """On a device, but for the lengths of turns: nn.GRU wants those on the CPU."""
        moved = {name: value.to(device) for name, value in vars(self).items()
                 if isinstance(value, (torch.Tensor, Batch)) and name != "turn_lengths"}
        return replace(self, **moved)

    def packed(self, rows):
        """(B,S,...) -> (P,...)"""
        return rows.flatten(0, 1).index_select(0, self.counted)


def places_of(labels):
    """(B,S) -> (P)"""
    B, S = labels.shape
    flat = (labels.t() != NOT_COUNTED).flatten().nonzero().squeeze(1)
    return flat % B * S + flat // B


def example_rows(prefix, tensors, join):
    """A batch of a file, laid out one example a row; `join` fills the joined rows too."""
    get = lambda name: tensors[f"{prefix}.{name}"]
    sources = torch.cat([get("facts"), get("context")], 1)  # (B,U)
    keep = sources >= 0
    # Kept turns first in each row, in their order.
    order = keep.int().argsort(dim=1, descending=True, stable=True)
    sources, keep = sources.gather(1, order), keep.gather(1, order)
    width = int(keep.sum(1).max())
    sources, keep = sources[:, :width], keep[:, :width]
    rows = sources[keep]
    lengths = get("turn_keep").sum(1)
    turns = get("turn_ids")[rows][:, : int(lengths[rows].max())]

    length_of = lambda rows: torch.where(rows >= 0, lengths[rows.clamp_min(0)], 0).sum(1)
    joined_lengths = length_of(sources)
    joined = torch.zeros(len(sources), int(joined_lengths.max()) if join else 0, dtype=torch.long)
    joined_speaker = torch.zeros_like(joined)
    for b in range(len(sources) if join else 0):
        kept = sources[b][keep[b]].tolist()
        joined[b, : joined_lengths[b]] = torch.cat([get("turn_ids")[m, : lengths[m]] for m in kept])
        joined_speaker[b, : joined_lengths[b]] = torch.cat(
            [get("turn_speaker")[m].repeat(int(lengths[m])) for m in kept]
        )
    return Batch(
        turns=turns,
        turn_lengths=lengths[rows],
        turn_speaker=get("turn_speaker")[rows],
        place=keep.flatten().nonzero().squeeze(1),
        keep=keep,
        joined=joined,
        joined_speaker=joined_speaker,
        joined_lengths=joined_lengths,
        persona_lengths=length_of(get("facts")),
        decoder_input=get("decoder_input"),
        labels=get("labels"),
        live=(get("labels") != NOT_COUNTED).sum(0).tolist(),
        counted=places_of(get("labels")),
        pair_label=tensors.get(f"{prefix}.label"),
    )


def read_batches(path, join, limit=None):
    """The first `limit` batches of a file (all without); `join` as in example_rows."""
    tensors = load_file(path)
    count = len({name.split(".")[0] for name in tensors})
    batches = []
    for n in range(min(count, limit or count)):
        batches.append(example_rows(str(n), tensors, join))
        if f"{n}.pairs.label" in tensors:
            batches[-1].pairs = example_rows(f"{n}.pairs", tensors, join)
    return batches


def rows_of(batch, first, count):
    """The examples first .. first+count of a batch, as a batch."""
    rows = torch.arange(first, min(first + count, len(batch.labels)), device=batch.labels.device)
    keep = batch.keep[rows]
    U = batch.keep.shape[1]
    mine = (batch.place // U >= first) & (batch.place // U < first + count)
    lengths, joined = batch.turn_lengths[mine.cpu()], batch.joined_lengths[rows]
    return Batch(
        turns=batch.turns[mine][:, : int(lengths.max())],
        turn_lengths=lengths,
        turn_speaker=batch.turn_speaker[mine],
        place=batch.place[mine] - first * U,
        keep=keep,
        joined=batch.joined[rows][:, : int(joined.max())],
        joined_speaker=batch.joined_speaker[rows][:, : int(joined.max())],
        joined_lengths=joined,
        persona_lengths=batch.persona_lengths[rows],
        decoder_input=batch.decoder_input[rows],
        labels=batch.labels[rows],
        live=[],
        counted=places_of(batch.labels[rows]),
    )
