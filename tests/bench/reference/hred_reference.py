#!/usr/bin/env python3
"""HRED, seq2seq, a Transformer and a stack of decoders in plain PyTorch: what banter's speed and
numbers are compared with.

The same models as models/hred.h, models/seq2seq.h, models/transformer.h (in
transformer_reference.py) and models/stack_propagation.h (in stack_reference.py), with the same
parameter names, written the
way one writes them in Python: nn.GRU over packed turns, one example a row (a turn is encoded again
for every reply that reads it), a loop over nn.GRUCell with batched attention, cross entropy over
the packed labels, fused AdamW. Nothing here is imported by the product.

Needs torch 2.15, numpy and safetensors. Batches come from a file that banter writes
(tests/bench/export_batches.cpp), so that both programs see the very same examples:
a safetensors file with, for batch 0, 1, 2, ...

    N.turn_ids (M,T)  N.turn_keep (M,T) bool  N.turn_speaker (M)      the different turns and facts
    N.context (B,U)   N.facts (B,F)  rows of M, -1 = none
    N.decoder_input (B,S)  N.labels (B,S), -100 = not counted         rows by falling length
    N.pairs.*, likewise, and N.pairs.label: sentence pairs beside them, where there are some

They are laid out one example a row before the clock starts.

    hred_reference.py train  BATCHES [--steps N] [--valid BATCHES --every N --target PPL] [--profile]
    hred_reference.py decode BATCHES --batch 32 [--weights model.safetensors] [--replies N]
    hred_reference.py score  BATCHES --weights model.safetensors [--expected SCORES] [--out SCORES]

`train` prints a JSON line with reply tokens and replies a second (and one a validation; with
`--profile` the share of its time in matrix products, and of the machine's peak), `decode`
one with tokens a second, `score` one with the summed log-probability in float64 and, given
`--expected` (a safetensors file of N.log_probs (B,S) float64, zeros where nothing is counted), the
largest difference. Sizes are read from `--weights` where it is given.
"""

import argparse
import json
import random
import resource
import sys
import time
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence
from stack_reference import StackPropagation
from transformer_reference import Transformer

BOS, EOS = 2, 3
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


def read_batches(path, args):
    tensors = load_file(path)
    count = len({name.split(".")[0] for name in tensors})
    join = args.model != "hred"
    batches = []
    for n in range(min(count, args.limit or count)):
        batches.append(example_rows(str(n), tensors, join))
        if f"{n}.pairs.label" in tensors:
            batches[-1].pairs = example_rows(f"{n}.pairs", tensors, join)
    return batches


class Embedding(nn.Module):
    def __init__(self, vocab, width, speakers, dropout):
        super().__init__()
        self.token = nn.Embedding(vocab, width)
        self.speaker = nn.Embedding(9, width) if speakers else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids, speakers=None):
        vectors = self.token(ids)
        if self.speaker is not None and speakers is not None:
            vectors = vectors + self.speaker(speakers)
        return self.dropout(vectors)


class Attention(nn.Module):
    """e_i = v^T tanh(W h_i + Q query)"""

    def __init__(self, hidden):
        super().__init__()
        self.memory_weight = nn.Parameter(torch.empty(hidden, hidden))
        self.query_weight = nn.Parameter(torch.empty(hidden, hidden))
        self.v = nn.Parameter(torch.empty(hidden))

    def keys(self, memory):
        return memory @ self.memory_weight.t()

    def forward(self, query, keys, keep):
        """Weights of N queries (N,H) over keys (N,U,H)."""
        e = torch.tanh(keys + (query @ self.query_weight.t()).unsqueeze(1)) @ self.v
        return e.masked_fill(~keep, float("-inf")).softmax(-1)


def attend(weights, memory):
    return torch.bmm(weights.unsqueeze(1), memory).squeeze(1)


def run_packed(gru, embedding, ids, speakers, lengths):
    """All states of the rows, packed, and the last real one of each; padding is not embedded."""
    pack = lambda x: pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    packed = pack(ids)
    embedded = embedding(packed.data, pack(speakers).data if embedding.speaker else None)
    states, last = gru(PackedSequence(embedded, *packed[1:]))
    return states, last[0]


class Hred(nn.Module):
    def __init__(self, o):
        super().__init__()
        E, H = o.embed_dim, o.hidden_dim
        self.o = o
        self.has_static = o.attention in ("static", "both")
        self.has_dynamic = o.attention in ("dynamic", "both")
        self.embedding = Embedding(o.vocab, E, o.speakers, o.dropout)
        self.encoder = nn.GRU(E, H, batch_first=True)
        self.context_rnn = nn.GRU(H, H, batch_first=True) if o.context_rnn else None
        self.static_attention = Attention(H) if self.has_static else None
        self.dynamic_attention = Attention(H) if self.has_dynamic else None
        if o.attention == "both" and o.combine == "weighted":
            if o.gate == "state":
                self.gate = nn.Linear(3 * H, 1, bias=False)
            else:
                self.share = nn.Parameter(torch.zeros(()))
        concat = o.attention == "both" and o.combine == "concat"
        self.start = nn.Linear(H, H)
        self.decoder = nn.GRUCell(E + (2 * H if concat else H), H)
        self.dropout = nn.Dropout(o.dropout)
        self.output = nn.Linear(H, o.vocab)

    def encode(self, batch):
        speakers = batch.turn_speaker.unsqueeze(1).expand_as(batch.turns)
        _, vectors = run_packed(
            self.encoder, self.embedding, batch.turns, speakers, batch.turn_lengths
        )
        B, U = batch.keep.shape
        h = vectors.new_zeros(B * U, vectors.shape[1]).index_copy(0, batch.place, vectors)
        h = h.view(B, U, -1)
        lengths = batch.keep.sum(1)
        if self.context_rnn is not None:
            packed = pack_padded_sequence(h, lengths, batch_first=True, enforce_sorted=False)
            h, _ = nn.utils.rnn.pad_packed_sequence(
                self.context_rnn(packed)[0], batch_first=True, total_length=U
            )
        last = h[torch.arange(B), lengths - 1]
        memory = {"h": h, "keep": batch.keep, "state": torch.tanh(self.start(last))}
        if self.has_static:
            query = last if self.o.static_query == "last" else h[:, 0]
            keys = self.static_attention.keys(h)
            memory["static"] = attend(self.static_attention(query, keys, batch.keep), h)
        elif not self.has_dynamic:
            memory["static"] = last
        if self.has_dynamic:
            memory["keys"] = self.dynamic_attention.keys(h)
        return memory

    def combine(self, c, c_t, s):
        o = self.o
        if o.combine == "concat":
            return torch.cat([c, c_t], 1)
        if o.combine == "sum":
            return c + c_t
        if o.combine == "mean":
            return (c + c_t) / 2
        if o.combine == "max":
            return torch.maximum(c, c_t)
        if o.gate == "state":
            share = torch.sigmoid(self.gate(torch.cat([c, c_t, s], 1)))
        else:
            share = torch.sigmoid(self.share)
        return share * c + (1 - share) * c_t

    def step(self, embedded, s, memory):
        """One token for every row."""
        if self.has_dynamic:
            weights = self.dynamic_attention(s, memory["keys"], memory["keep"])
            c_hat = attend(weights, memory["h"])
            if self.has_static:
                c_hat = self.combine(memory["static"], c_hat, s)
        else:
            c_hat = memory["static"]
        return self.decoder(torch.cat([embedded, c_hat], 1), s)


class Seq2Seq(nn.Module):
    def __init__(self, o):
        super().__init__()
        E, H = o.embed_dim, o.hidden_dim
        self.embedding = Embedding(o.vocab, E, o.speakers, o.dropout)
        self.encoder = nn.GRU(E, H, batch_first=True)
        self.attention = Attention(H)
        self.start = nn.Linear(H, H)
        self.decoder = nn.GRUCell(E + H, H)
        self.dropout = nn.Dropout(o.dropout)
        self.output = nn.Linear(H, o.vocab)

    def encode(self, batch):
        states, last = run_packed(
            self.encoder, self.embedding, batch.joined, batch.joined_speaker, batch.joined_lengths
        )
        h, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True)
        keep = torch.arange(h.shape[1]) < batch.joined_lengths.unsqueeze(1)
        return {
            "h": h,
            "keep": keep,
            "keys": self.attention.keys(h),
            "state": torch.tanh(self.start(last)),
        }

    def step(self, embedded, s, memory):
        weights = self.attention(s, memory["keys"], memory["keep"])
        return self.decoder(torch.cat([embedded, attend(weights, memory["h"])], 1), s)


def label_logits(model, batch):
    """Logits (P,V) and labels (P) of the counted labels, step by step.

    Rows that ended leave when half of them have: narrowing the memory at every step would cost a
    gradient of its whole size for each token.
    """
    if hasattr(model, "label_logits"):
        return model.label_logits(batch)
    memory = model.encode(batch)
    inputs = model.embedding(batch.decoder_input).unbind(1)
    pack = lambda rows: torch.cat([rows[:n, t] for t, n in enumerate(batch.live)])
    s, states, rows = memory["state"], [], len(batch.labels)
    for t, live in enumerate(batch.live):
        if live <= rows // 2:
            rows, s = live, s[:live]
            memory = {name: value[:live] for name, value in memory.items()}
        s = model.step(inputs[t][:rows], s, memory)
        states.append(s[:live])
    labels = pack(batch.labels)
    return model.output(model.dropout(torch.cat(states))), labels


def losses(model, batch):
    """What is learned from a batch, as parts with graphs of their own."""
    if hasattr(model, "losses"):
        yield from model.losses(batch)
    else:
        yield F.cross_entropy(*label_logits(model, batch))


def start_parameters(model):
    """Xavier matrices, orthogonal recurrent gates, zero biases, normal embeddings."""
    for name, p in model.named_parameters():
        if name.endswith(("token.weight", "speaker.weight")):
            nn.init.normal_(p, std=p.shape[1] ** -0.5)
            p.data[0].zero_()
        elif "weight_hh" in name:
            for gate in p.data.chunk(3):
                nn.init.orthogonal_(gate)
        elif "weight_ih" in name:
            for gate in p.data.chunk(3):
                nn.init.xavier_uniform_(gate)
        elif "norm." in name:
            nn.init.constant_(p, float(name.endswith("weight")))
        elif p.dim() == 2:
            nn.init.xavier_uniform_(p)
        elif name.endswith(".v"):
            nn.init.xavier_uniform_(p.data.unsqueeze(0))
        else:
            nn.init.zeros_(p)


# nn.GRU names the weights of its only layer with a suffix, banter without.
def own_name(name):
    for rnn in ("encoder.", "context_rnn."):
        if name.startswith(rnn):
            return name + "_l0"
    return name


def layers_of(weights, stack):
    return len({name.split(".")[1] for name in weights if name.startswith(stack + ".")} - {"norm"})


def build_transformer(args, weights):
    if weights:
        args.vocab, args.dim = weights["embedding.token.weight"].shape
        args.ffn_dim = weights["decoder.0.feed_forward.in.weight"].shape[0]
        args.encoder_layers = layers_of(weights, "encoder")
        args.decoder_layers = layers_of(weights, "decoder")
        args.consistency_layers = layers_of(weights, "consistency")
        args.speakers = "embedding.speaker.weight" in weights
    torch.manual_seed(args.seed)
    kind = StackPropagation if args.model == "stack_propagation" else Transformer
    model = kind(args, Embedding(args.vocab, args.dim, args.speakers, dropout=0.0))
    start_parameters(model)
    if weights:
        weights["output_layer.bias"] = weights.pop("output.bias")  # `output` takes a state
        model.load_state_dict(weights)
    return model


def build(args):
    weights = load_file(args.weights) if args.weights else None
    if args.model in ("transformer", "stack_propagation"):
        return build_transformer(args, weights)
    if weights:
        args.vocab, args.hidden_dim = weights["output.weight"].shape
        args.embed_dim = weights["embedding.token.weight"].shape[1]
        args.speakers = "embedding.speaker.weight" in weights
        args.model = "seq2seq" if "attention.v" in weights else "hred"
        args.context_rnn = "context_rnn.weight_hh" in weights
        has = [name for name in ("static", "dynamic") if f"{name}_attention.v" in weights]
        args.attention = "both" if len(has) == 2 else has[0] if has else "none"
        args.gate = "state" if "gate.weight" in weights else "fixed"
    torch.manual_seed(args.seed)
    model = Seq2Seq(args) if args.model == "seq2seq" else Hred(args)
    if weights:
        model.load_state_dict({own_name(name): value for name, value in weights.items()})
    else:
        start_parameters(model)
    return model


def perplexity(model, batches):
    model.eval()
    nll, count = 0.0, 0
    with torch.no_grad():
        for batch in batches:
            logits, labels = label_logits(model, batch)
            nll += F.cross_entropy(logits, labels, reduction="sum").item()
            count += len(labels)
    model.train()
    return float(torch.tensor(nll / count, dtype=torch.double).exp())


def peak_operations_per_second(size=2048, tries=12):
    """Of one large product with the threads that are set: the best of several."""
    a, b, out = torch.rand(size, size), torch.rand(size, size), torch.empty(size, size)
    took = []
    for _ in range(tries):
        began = time.perf_counter()
        torch.mm(a, b, out=out)
        took.append(time.perf_counter() - began)
    return 2 * size**3 / min(took)


def profile(work, seconds):
    """The share of `work`'s time in matrix products, and their rate in the `seconds` that it took
    without the profiler, which slows so many small operations down."""
    cpu = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=cpu, record_shapes=True, with_flops=True) as profiler:
        work()
    events = profiler.key_averages()
    products = [e for e in events if e.key in ("aten::mm", "aten::addmm", "aten::addmm_", "aten::bmm")]
    operations = sum(e.flops for e in products)
    peak = peak_operations_per_second()
    return {
        "share_of_time_in_products": sum(e.self_cpu_time_total for e in products)
        / sum(e.self_cpu_time_total for e in events),
        "gflops": operations / seconds * 1e-9,
        "peak_gflops": peak * 1e-9,
        "share_of_peak": operations / seconds / peak,
    }


def train(args):
    model = build(args).train()
    batches = read_batches(args.batches, args)
    valid = read_batches(args.valid, args) if args.valid else None
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=args.lr, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )

    def rate(step):  # step from 0: linear warm-up, then inverse square root
        s, w = step + 1, max(args.warmup_steps, 1)
        return min(s / w, (w / s) ** 0.5)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    shuffler = random.Random(args.seed)
    order = list(range(len(batches)))
    seconds, used, tokens, replies, measured, loss_sum = 0.0, 0.0, 0, 0, 0, 0.0

    def update(batch):
        optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for loss in losses(model, batch):
            loss.backward()
            total += loss.detach()
        nn.utils.clip_grad_norm_(model.parameters(), args.clip_norm)
        optimizer.step()
        schedule.step()
        return total

    for step in range(args.steps):
        if step > 0 and step % len(batches) == 0:
            shuffler.shuffle(order)  # the first pass keeps the order of the file
        batch = batches[order[step % len(batches)]]
        began, processor_began = time.perf_counter(), time.process_time()
        loss = update(batch)
        took, processor_took = time.perf_counter() - began, time.process_time() - processor_began
        loss_sum += loss.item()
        if step >= args.skip_steps:
            seconds += took
            used += processor_took
            tokens += batch.label_count
            replies += len(batch.labels)
            measured += 1
        if valid and (step + 1) % args.every == 0:
            ppl = perplexity(model, valid)
            print(json.dumps({"step": step + 1, "minutes": seconds / 60, "valid_ppl": ppl}), flush=True)
            if args.target and ppl <= args.target:
                break
    answer = {
        "mode": "train",
        "threads": torch.get_num_threads(),
        "steps": measured,
        "seconds": seconds,
        "reply_tokens_per_second": tokens / max(seconds, 1e-9),
        "replies_per_second": replies / max(seconds, 1e-9),
        "processor_seconds": used,
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "mean_loss": loss_sum / max(step + 1, 1),
        "last_loss": loss.item(),
    }
    if args.profile:
        timed = batches[args.skip_steps : args.steps]  # the first pass keeps their order
        answer["profile"] = profile(lambda: [update(batch) for batch in timed], seconds)
    print(json.dumps(answer))


def rows_of(batch, first, count):
    """The examples first .. first+count of a batch, as a batch."""
    rows = torch.arange(first, min(first + count, len(batch.labels)))
    keep = batch.keep[rows]
    U = batch.keep.shape[1]
    mine = (batch.place // U >= first) & (batch.place // U < first + count)
    lengths, joined = batch.turn_lengths[mine], batch.joined_lengths[rows]
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


@torch.inference_mode()
def greedy(model, batch, max_new_tokens):
    """Token ids of each reply, eos included; rows that ended run on until all have."""
    memory = model.encode(batch)
    B = len(batch.labels)
    s, ids = memory["state"], torch.full((B,), BOS)
    ended = torch.zeros(B, dtype=torch.bool)
    written = []
    for t in range(max_new_tokens):
        s = model.step(model.embedding(ids), s, memory)
        logits = model.output(s)
        if t == 0:
            logits[:, EOS] = float("-inf")  # at least one token
        ids = logits.argmax(1)
        written.append(torch.where(ended, -1, ids))
        ended |= ids == EOS
        if ended.all():
            break
    return [[i for i in row if i >= 0] for row in torch.stack(written, 1).tolist()]


def decode(args):
    model = build(args).eval()
    batches = read_batches(args.batches, args)
    parts = [
        rows_of(batch, first, args.batch)
        for batch in batches
        for first in range(0, len(batch.labels), args.batch)
    ]
    parts = [part for part in parts if len(part.labels) == args.batch]
    parts = parts[: max(args.replies // args.batch, 1)]
    if not parts:
        sys.exit(f"{args.batches}: no batch has {args.batch} replies")
    greedy(model, parts[0], args.max_new_tokens)  # warm up
    tokens, began = 0, time.perf_counter()
    for part in parts:
        tokens += sum(len(reply) for reply in greedy(model, part, args.max_new_tokens))
    seconds = time.perf_counter() - began
    print(
        json.dumps(
            {
                "mode": "decode",
                "threads": torch.get_num_threads(),
                "batch": args.batch,
                "replies": len(parts) * args.batch,
                "tokens": tokens,
                "seconds": seconds,
                "tokens_per_second": tokens / seconds,
            }
        )
    )


@torch.inference_mode()
def score(args):
    model = build(args).eval().double()
    scores = {}
    for n, batch in enumerate(read_batches(args.batches, args)):
        logits, labels = label_logits(model, batch)
        flat = logits.log_softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1)
        table = torch.zeros(batch.labels.shape, dtype=torch.double)
        for t, part in enumerate(flat.split(batch.live)):
            table[: len(part), t] = part
        scores[f"{n}.log_probs"] = table
    answer = {
        "mode": "score",
        "model": args.model,
        "attention": args.attention,
        "log_prob": sum(float(table.sum()) for table in scores.values()),
    }
    if args.expected:
        expected = load_file(args.expected)
        answer["largest_difference"] = max(
            float((table - expected[name]).abs().max()) for name, table in scores.items()
        )
    if args.out:
        save_file(scores, args.out)
    print(json.dumps(answer))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=["train", "decode", "score"])
    parser.add_argument("batches", help="safetensors file of batches")
    parser.add_argument("--limit", type=int, help="read so many batches of the file")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    model = parser.add_argument_group("model (sizes are those of --weights when it is given)")
    model.add_argument("--weights", help="model.safetensors of a banter checkpoint")
    model.add_argument("--model", default="hred",
                       choices=["hred", "seq2seq", "transformer", "stack_propagation"])
    model.add_argument("--vocab", type=int, default=8000)
    model.add_argument("--embed-dim", type=int, default=256)
    model.add_argument("--hidden-dim", type=int, default=512)
    model.add_argument("--dim", type=int, default=256, help="of Transformers, with the next eight")
    model.add_argument("--heads", type=int, default=4)
    model.add_argument("--ffn-dim", type=int, default=1024)
    model.add_argument("--encoder-layers", type=int, default=3)
    model.add_argument("--decoder-layers", type=int, default=3)
    model.add_argument("--consistency-layers", type=int, default=3)
    model.add_argument("--consistency-weight", type=float, default=1.0)
    model.add_argument("--pair-weight", type=float, default=1.0)
    model.add_argument("--entailed-share", type=float, default=0.6)
    model.add_argument("--dropout", type=float, default=0.1)
    model.add_argument("--attention", default="both", choices=["none", "static", "dynamic", "both"])
    model.add_argument(
        "--combine", default="concat", choices=["concat", "sum", "weighted", "max", "mean"]
    )
    model.add_argument("--gate", default="fixed", choices=["fixed", "state"])
    model.add_argument("--static-query", default="last", choices=["last", "first"])
    model.add_argument("--context-rnn", action="store_true")
    model.add_argument("--speakers", action="store_true")
    training = parser.add_argument_group("train")
    training.add_argument("--steps", type=int, default=30)
    training.add_argument("--skip-steps", type=int, default=0, help="not timed, at the start")
    training.add_argument("--lr", type=float, default=0.001)
    training.add_argument("--warmup-steps", type=int, default=200)
    training.add_argument("--clip-norm", type=float, default=1.0)
    training.add_argument("--valid", help="batches to validate on")
    training.add_argument("--every", type=int, default=100, help="steps between validations")
    training.add_argument("--profile", action="store_true", help="where the time goes")
    training.add_argument("--target", type=float, help="end at this validation perplexity")
    decoding = parser.add_argument_group("decode")
    decoding.add_argument("--batch", type=int, default=1, help="replies decoded together")
    decoding.add_argument("--replies", type=int, default=64)
    decoding.add_argument("--max-new-tokens", type=int, default=60)
    scoring = parser.add_argument_group("score")
    scoring.add_argument("--expected", help="safetensors file to compare with")
    scoring.add_argument("--out", help="safetensors file to write")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    {"train": train, "decode": decode, "score": score}[args.mode](args)


if __name__ == "__main__":
    main()
